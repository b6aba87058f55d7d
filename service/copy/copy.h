/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Paths and names in a container's root, which is already the root of this process. */

#pragma once

#include "base/error.h"

struct archive;

/* Sets the error of libarchive for a path, and returns false. */
bool berth_copy_fail(struct archive *archive, const char *what, const char *path, GError **error);

/* Enters the parent directory of a path, resolved within the root whatever links it contains, and
 * returns the last component, which the caller frees. It is "." if the path has the form of a
 * directory. */
char *berth_copy_enter_parent(const char *path, GError **error);

/* Enters the directory of the place that *name leads to, relative to the current directory, and
 * replaces *name by its name there. Nothing needs to be at that place, but its directory must
 * exist. */
bool berth_copy_follow_links(char **name, GError **error);

/* Writes the names in the directory path, one per line; those of directories end in "/". */
bool berth_copy_list_names(const char *path, int output, GError **error);
