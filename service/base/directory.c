/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Creates and lists directories. A list owns its descriptor and is closed by the variable that
 * holds it.
 */

#include "base/directory.h"

#include "base/fd.h"
#include "base/names.h"

#include <errno.h>
#include <sys/stat.h>

char *berth_directory_read_path(int directory) {
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", directory);

    return g_file_read_link(link, NULL);
}

char *berth_directory_path_of(int directory, const char *name) {
    g_autofree char *path = berth_directory_read_path(directory);

    return path ? g_build_filename(path, name, NULL) : g_strdup(name);
}

/* errnum is that of opening it, or of making it. Returns -1. */
static int directory_fail(int parent, const char *name, bool opens, int errnum, GError **error) {
    g_autofree char *path = berth_directory_path_of(parent, name);

    if (opens && errnum == ENOTDIR)
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "%s is not a directory, but the service needs one there; move it elsewhere",
                        path);
    else
        berth_error_set_errno(error, errnum, opens ? "open directory %s" : "make directory %s",
                              path);
    return -1;
}

int berth_directory_make(int parent, const char *name, mode_t mode, GError **error) {
    if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
        return directory_fail(parent, name, false, errno, error);
    /* An existing directory keeps its mode; a symbolic link in its place is refused. */
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? fd : directory_fail(parent, name, true, errno, error);
}

DIR *berth_directory_list(int directory) {
    /* Opened again instead of duplicated, since duplicated descriptors share one offset. */
    berth_autofd int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = own < 0 ? NULL : fdopendir(own);

    if (list)
        berth_fd_steal(&own);
    return list;
}

const char *berth_directory_next(DIR *list) {
    struct dirent *entry;

    while ((entry = readdir(list)))
        if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
            return entry->d_name;
    return NULL;
}

GPtrArray *berth_directory_list_names(int directory) {
    berth_autolist DIR *list = berth_directory_list(directory);
    GPtrArray *names = list ? g_ptr_array_new_with_free_func(g_free) : NULL;
    const char *name;

    while (list && (name = berth_directory_next(list)))
        g_ptr_array_add(names, g_strdup(name));
    if (names)
        g_ptr_array_sort(names, berth_name_compare);
    return names;
}

static bool has_suffix(const char *name, const char *const *suffixes) {
    for (; *suffixes; suffixes++)
        if (g_str_has_suffix(name, *suffixes))
            return true;
    return false;
}

GPtrArray *berth_directory_list_files(const char *path, const char *const *suffixes, unsigned max) {
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
    const char *name;

    while (directory && files->len < max && (name = g_dir_read_name(directory)))
        if (has_suffix(name, suffixes))
            g_ptr_array_add(files, g_build_filename(path, name, NULL));
    g_ptr_array_sort(files, berth_name_compare);
    return files;
}
