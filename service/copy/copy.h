/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Paths and names of a container's root, which is this process's own by now. */

#pragma once

#include "base/error.h"

struct archive;

/* The error of libarchive about a path; false. */
bool berth_copy_fail(struct archive *archive, const char *what, const char *path, GError **error);

/* Enters the directory of an entry, resolved within the root whatever links lead to it, and returns
 * the entry's name there, to be freed. That is "." if the path ends in a way that names a
 * directory. */
char *berth_copy_enter_parent(const char *path, GError **error);

/* The names of what is in the directory path, one a line; those of directories end in "/". */
bool berth_copy_list_names(const char *path, int output, GError **error);
