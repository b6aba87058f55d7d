/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The notes of a tree. They describe its current state: whatever removes a name from the tree has
 * to forget it here, except for assumptions, which an entry has already relied on.
 */

#include "unpack/tree-notes.h"

#include <string.h>

/* The limit on the notes for one layer: half a million long names. */
#define MAX_NOTED_BYTES (64u * 1024 * 1024)

enum { NOTE_BYTES = 96 };

static void free_link(gpointer data) {
    BerthTreeLink *link = data;

    g_free(link->target);
    g_free(link);
}

/* The slash sorts before every other byte, so what is below a directory follows it immediately. */
static gint compare_paths(gconstpointer a, gconstpointer b, gpointer userdata) {
    const unsigned char *one = a, *other = b;

    (void)userdata;
    for (; *one && *one == *other; one++)
        other++;
    if (*one == *other)
        return 0;
    unsigned first = *one == '/' ? 1 : *one ? *one + 2u : 0;
    unsigned second = *other == '/' ? 1 : *other ? *other + 2u : 0;
    return first < second ? -1 : 1;
}

static GTree *new_note_table(GDestroyNotify free_value) {
    return g_tree_new_full(compare_paths, NULL, g_free, free_value);
}

void berth_tree_notes_init(BerthTree *tree) {
    tree->assumed_directories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    tree->listed_late = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    tree->implied = new_note_table(NULL);
    tree->whiteout_only = new_note_table(NULL);
    tree->opaque = new_note_table(NULL);
    tree->whiteouts = new_note_table(NULL);
    tree->times = new_note_table(g_free);
    tree->links = new_note_table(NULL);
    tree->all_links = g_ptr_array_new_with_free_func(free_link);
}

void berth_tree_notes_clear(BerthTree *tree) {
    g_hash_table_unref(tree->assumed_directories);
    g_hash_table_unref(tree->listed_late);
    g_tree_unref(tree->implied);
    g_tree_unref(tree->whiteout_only);
    g_tree_unref(tree->opaque);
    g_tree_unref(tree->whiteouts);
    g_tree_unref(tree->times);
    g_tree_unref(tree->links);
    g_ptr_array_unref(tree->all_links);
}

/* Notes that are removed later still count. */
static bool count_note(BerthTree *tree, const char *path, GError **error) {
    tree->noted_bytes += strlen(path) + NOTE_BYTES;
    return tree->noted_bytes <= MAX_NOTED_BYTES ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "the layer has too many directories, links and whiteouts");
}

bool berth_tree_has(GTree *table, const char *path) {
    return g_tree_lookup_extended(table, path, NULL, NULL);
}

bool berth_tree_add_note(BerthTree *tree, GTree *table, const char *path, gpointer value,
                         GError **error) {
    bool is_new = !berth_tree_has(table, path);

    g_tree_insert(table, g_strdup(path), value);
    return !is_new || count_note(tree, path, error);
}

bool berth_tree_add_assumption(BerthTree *tree, GHashTable *set, const char *path, GError **error) {
    return g_hash_table_contains(set, path) ||
           (g_hash_table_add(set, g_strdup(path)) && count_note(tree, path, error));
}

bool berth_tree_add_time(BerthTree *tree, const char *path, const struct timespec *time,
                         GError **error) {
    return berth_tree_add_note(tree, tree->times, path, g_memdup2(time, sizeof *time), error);
}

BerthImpliedDirectory berth_tree_get_implied(BerthTree *tree, const char *path) {
    return GPOINTER_TO_UINT(g_tree_lookup(tree->implied, path));
}

/* Only examines the directories above path: a directory's own mark hides what is in it, not the
 * directory. */
bool berth_tree_sees_lower(BerthTree *tree, const char *path) {
    if (tree->knows == BERTH_LOWER_NONE || tree->is_opaque)
        return false;
    if (g_tree_nnodes(tree->opaque) == 0)
        return true;
    g_autofree char *prefix = g_strdup(path);
    for (char *slash; (slash = strrchr(prefix, '/'));) {
        *slash = '\0';
        if (berth_tree_has(tree->opaque, prefix))
            return false;
    }
    return true;
}

static bool is_at_or_below(const char *path, const char *directory) {
    size_t length = strlen(directory);

    return length == 0 ||
           (strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/'));
}

/* In the order of compare_paths(), anything below a directory comes right after it. */
bool berth_tree_has_below(GTree *table, const char *directory) {
    GTreeNode *node = g_tree_upper_bound(table, directory);

    return node && is_at_or_below(g_tree_node_key(node), directory);
}

GPtrArray *berth_tree_list(GTree *table, const char *below) {
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

    for (GTreeNode *node = g_tree_lower_bound(table, below);
         node && is_at_or_below(g_tree_node_key(node), below); node = g_tree_node_next(node))
        g_ptr_array_add(paths, g_strdup(g_tree_node_key(node)));
    return paths;
}

/* Collects the paths first, since a GTree must not be changed during a traversal. */
static void forget_below(GTree *table, const char *directory) {
    g_autoptr(GPtrArray) paths = berth_tree_list(table, directory);

    for (guint i = 0; i < paths->len; i++)
        g_tree_remove(table, paths->pdata[i]);
}

void berth_tree_forget(BerthTree *tree, const char *path, bool is_directory) {
    if (!is_directory) {
        g_tree_remove(tree->whiteouts, path);
        g_tree_remove(tree->links, path);
        return;
    }
    forget_below(tree->implied, path);
    forget_below(tree->whiteout_only, path);
    forget_below(tree->opaque, path);
    forget_below(tree->whiteouts, path);
    forget_below(tree->times, path);
    forget_below(tree->links, path);
}
