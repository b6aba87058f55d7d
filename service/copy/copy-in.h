/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A tar, into a directory of a container. */

#pragma once

#include "base/error.h"

/* A tar into the directory path, which is found within the root. name: of the topmost entries, NULL
 * for their own. owners: of the entries, otherwise everything is this user's. A directory does not
 * replace anything else, and nothing else replaces a directory. */
bool berth_copy_in(const char *path, const char *name, int input, bool owners, GError **error);

/* The same into the working directory. */
bool berth_copy_in_extract(const char *name, int input, bool owners, GError **error);
