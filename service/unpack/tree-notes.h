/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a tree remembers of its entries; see tree.h. For the files that make and settle trees. The
 * tables are sorted, with a directory right before everything below it.
 */

#pragma once

#include "unpack/tree-state.h"

void berth_tree_notes_init(BerthTree *tree);
void berth_tree_notes_clear(BerthTree *tree);

/* Adds path (copied) and value (owned by the table afterwards); LimitExceeded if a layer requires
 * too many notes. */
bool berth_tree_add_note(BerthTree *tree, GTree *table, const char *path, gpointer value,
                         GError **error);
/* The same for a set of assumptions (tree-state.h), which are never removed. */
bool berth_tree_add_assumption(BerthTree *tree, GHashTable *set, const char *path, GError **error);
bool berth_tree_add_time(BerthTree *tree, const char *path, const struct timespec *time,
                         GError **error);

bool berth_tree_has(GTree *table, const char *path);
BerthImpliedDirectory berth_tree_get_implied(BerthTree *tree, const char *path);

/* Whether the layers below are visible at path as far as this layer knows, that is, nothing above
 * it hides them. */
bool berth_tree_sees_lower(BerthTree *tree, const char *path);

/* Forgets path and, for a directory, everything below it, which has been removed. */
void berth_tree_forget(BerthTree *tree, const char *path, bool is_directory);

/* Whether a table has anything below the directory. */
bool berth_tree_has_below(GTree *table, const char *directory);

/* Copies of a table's paths, in order: all, or those at and below a directory. */
GPtrArray *berth_tree_list(GTree *table, const char *below);
