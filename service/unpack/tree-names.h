/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Paths below a tree's root, as text. */

#pragma once

#include <glib.h>

/* Converts a path in a tar to one below the root: "./a//b/", "/a/b" and "a/x/../b" become "a/b",
 * the root itself is "", and ".." never leads above it. */
char *berth_tree_normalize(const char *path, GError **error);

/* The path of an entry in a directory, where "" is the root; and its two parts. */
char *berth_tree_join(const char *directory, const char *name);
char *berth_tree_get_directory(const char *path);
const char *berth_tree_get_name(const char *path);
/* The path in the form that openat(2) takes. */
const char *berth_tree_path_or_dot(const char *path);
