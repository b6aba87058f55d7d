/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Looks for the command of a container in its root. The service only finds out when the container
 * is started; but engines expect "create" to fail, and only then does podman exit with 127. This
 * check is a guess that never refuses anything that could run: mounts do not exist yet, so any path
 * below one of them counts as found.
 */

#include "bundle.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>

/* The path within the root with all symbolic links resolved, as far as it exists there; the rest is
 * appended. The caller frees it; NULL if it cannot be determined. */
static char *command_resolve(int root, const char *path) {
    g_autofree char *base = NULL;
    g_autofree char *existing = g_canonicalize_filename(path, "/");
    g_autofree char *root_link = g_strdup_printf("/proc/self/fd/%d", root);
    g_autofree char *root_path = g_file_read_link(root_link, NULL);
    GString *rest = g_string_new(NULL);
    berth_autofd int fd = -1;

    while ((fd = berth_fd_open_in_root(root, existing[1] ? existing + 1 : ".", O_PATH, 0)) < 0 &&
           (errno == ENOENT || errno == ENOTDIR) && existing[1]) {
        char *slash = strrchr(existing, '/');
        g_string_prepend(rest, slash);
        *(slash == existing ? slash + 1 : slash) = '\0';
    }
    g_autofree char *tail = g_string_free(rest, FALSE);
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
    base = fd >= 0 ? g_file_read_link(link, NULL) : NULL;
    if (!base || !root_path || !g_str_has_prefix(base, root_path))
        return NULL;
    return g_build_filename("/", base + strlen(root_path), tail, NULL);
}

/* A mount whose destination cannot be resolved, or is the root, counts as covering the path. */
static bool command_is_below_mount(json_object *mounts, int root, const char *path) {
    for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++) {
        const char *place = NULL;
        if (!berth_document_get_string(json_object_array_get_idx(mounts, i), "destination", &place,
                                       NULL) ||
            !place)
            continue;
        g_autofree char *resolved = command_resolve(root, place);
        size_t length = resolved ? strlen(resolved) : 0;
        if (length <= 1 ||
            (g_str_has_prefix(path, resolved) && (path[length] == '/' || path[length] == '\0')))
            return true;
    }
    return false;
}

/* Only "no such file" is certain; after any other error, such as for a directory that the caller
 * may not search, the service decides. */
static bool command_may_be_at(json_object *mounts, int root, const char *path) {
    g_autofree char *canonical = g_canonicalize_filename(path, "/");
    berth_autofd int fd = berth_fd_open_in_root(root, canonical + 1, O_PATH, 0);

    if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR))
        return true;
    g_autofree char *resolved = command_resolve(root, canonical);
    return !resolved || command_is_below_mount(mounts, root, resolved);
}

/* The value of PATH, or the default of a process without it. */
static const char *command_find_path(char *const *environment) {
    const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    for (; *environment; environment++)
        if (g_str_has_prefix(*environment, "PATH="))
            path = *environment + strlen("PATH=");
    return path;
}

static bool command_is_found(json_object *mounts, int root, const char *name, const char *path) {
    g_auto(GStrv) directories = g_strsplit(path, ":", -1);

    for (char **directory = directories; *directory; directory++) {
        g_autofree char *file = g_build_filename("/", *directory, name, NULL);
        if (command_may_be_at(mounts, root, file))
            return true;
    }
    return false;
}

bool runtime_command_check(json_object *config, int root, GError **error) {
    g_auto(GStrv) arguments = NULL;
    g_auto(GStrv) environment = NULL;
    const char *directory = NULL;
    json_object *process, *mounts;

    if (!berth_document_get_object(config, "process", &process, error) ||
        !berth_document_get_objects(config, "mounts", &mounts, error) || !process ||
        !berth_document_get_strings(process, "args", &arguments, error) ||
        !berth_document_get_strings(process, "env", &environment, error) ||
        !berth_document_get_string(process, "cwd", &directory, error))
        return false;
    /* If there is no command, the service reports that. */
    const char *name = arguments[0];
    if (!name || !name[0])
        return true;
    if (strchr(name, '/')) {
        g_autofree char *file = g_path_is_absolute(name)
                                    ? g_strdup(name)
                                    : g_build_filename(directory ? directory : "/", name, NULL);
        return command_may_be_at(mounts, root, file) ||
               berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                               "executable file %s not found: No such file or directory", name);
    }
    return command_is_found(mounts, root, name, command_find_path(environment)) ||
           berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                           "executable file %s not found in $PATH: No such file or directory",
                           name);
}
