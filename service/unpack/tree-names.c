/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Paths below a tree's root as text, without a leading slash; the root itself is "". Nothing here
 * looks at the tree, and there is no state.
 */

#include "unpack/tree-names.h"

#include "base/error.h"

#include <limits.h>
#include <string.h>

char *berth_tree_join(const char *directory, const char *name) {
    return directory[0] ? g_strconcat(directory, "/", name, NULL) : g_strdup(name);
}

const char *berth_tree_get_name(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

char *berth_tree_get_directory(const char *path) {
    const char *name = berth_tree_get_name(path);

    return g_strndup(path, name == path ? 0 : (gsize)(name - path - 1));
}

const char *berth_tree_path_or_dot(const char *path) {
    return path[0] ? path : ".";
}

/* Works on text, without looking at the tree: ".." removes the component before it, even if that is
 * a symbolic link, and has no effect at the root. */
char *berth_tree_normalize(const char *path, GError **error) {
    g_autoptr(GString) normal = g_string_new(NULL);

    while (*path) {
        size_t length = strcspn(path, "/");
        if (length == 2 && strncmp(path, "..", 2) == 0) {
            const char *slash = strrchr(normal->str, '/');
            g_string_truncate(normal, slash ? (gsize)(slash - normal->str) : 0);
        } else if (length > 0 && !(length == 1 && path[0] == '.')) {
            if (normal->len > 0)
                g_string_append_c(normal, '/');
            g_string_append_len(normal, path, (gssize)length);
        }
        path += length;
        path += strspn(path, "/");
    }
    if (normal->len >= PATH_MAX) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "the layer holds a name of %zu bytes; at most %d are possible", normal->len,
                        PATH_MAX - 1);
        return NULL;
    }
    return g_string_free(g_steal_pointer(&normal), FALSE);
}
