/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Extracts a tar into a directory of a container. */

#pragma once

#include "base/error.h"

/* Extracts a tar into the directory path, which is resolved within the root. name replaces the
 * names of the topmost entries; NULL keeps them. owners keeps the owners of the entries; otherwise
 * everything belongs to this user. A directory replaces only a directory, and anything else
 * replaces no directory. */
bool berth_copy_in(const char *path, const char *name, int input, bool owners, GError **error);

/* The same, into the working directory. */
bool berth_copy_in_extract(const char *name, int input, bool owners, GError **error);
