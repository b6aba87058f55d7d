/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Paths in the container's root, which is already the root of this process, and the contents of
 * directories there, for copying in either direction. There is no state here; the caller owns
 * descriptors and lists.
 */

#include "copy/copy.h"

#include "base/fd.h"

#include <archive.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The number of links is the kernel's (path_resolution(7)). */
enum { MAX_NAMES_BYTES = 1024 * 1024, MAX_LINKS = 40 };

bool berth_copy_fail(struct archive *archive, const char *what, const char *path, GError **error) {
    const char *reason = archive_error_string(archive);
    int errnum = archive_errno(archive);

    if (errnum == ENOSPC || errnum == EDQUOT)
        return berth_error_set_errno(error, errnum, "%s %.500s", what, path);
    /* libarchive says what it could not do, and has the reason as a number. It uses EINVAL and
     * EILSEQ for errors of its own, and negative numbers (archive.h). */
    bool of_system = errnum > 0 && errnum != EINVAL && errnum != EILSEQ;
    g_autofree char *text = g_strconcat(reason ? reason : "failed", of_system ? ": " : NULL,
                                        of_system ? g_strerror(errnum) : NULL, NULL);
    return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "%s %.500s: %s", what, path,
                           text);
}

char *berth_copy_enter_parent(const char *path, GError **error) {
    g_autofree char *parent = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    bool itself = g_str_has_suffix(path, "/") || g_str_equal(base, ".") || g_str_equal(base, "..");
    berth_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int directory = root < 0
                                     ? -1
                                     : berth_fd_open_in_root(root, itself ? path : parent,
                                                             O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    struct stat status;

    if (itself) {
        g_free(base);
        base = g_strdup(".");
    }
    if (directory < 0 || fchdir(directory) < 0 ||
        fstatat(AT_FDCWD, base, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "%.500s of the container: %s", path,
                        g_strerror(errno));
        return NULL;
    }
    return g_steal_pointer(&base);
}

/* Enters a directory without magic links (openat2(2)), which lead out of the root. */
static bool enter_directory(const char *path) {
    const struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_NO_MAGICLINKS,
    };
    berth_autofd int directory = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);

    return directory >= 0 && fchdir(directory) == 0;
}

/* The links of the container only lead to places in its root, which is this process's. */
bool berth_copy_follow_links(char **name, GError **error) {
    char target[PATH_MAX];

    for (int i = 0; i < MAX_LINKS; i++) {
        ssize_t size = readlink(*name, target, sizeof target - 1);
        if (size < 0)
            return true;
        target[size] = '\0';
        g_autofree char *parent = g_path_get_dirname(target);
        g_autofree char *base = g_path_get_basename(target);
        /* As the name of a directory, it has no name in another one. */
        bool itself =
            g_str_has_suffix(target, "/") || g_str_equal(base, ".") || g_str_equal(base, "..");
        if (!enter_directory(itself ? target : parent))
            return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                                   "%.500s of the container leads to %.500s: %s", *name, target,
                                   g_strerror(errno));
        g_free(*name);
        *name = itself ? g_strdup(".") : g_steal_pointer(&base);
    }
    return berth_error_set_errno(error, ELOOP, "%.500s of the container", *name);
}

/* A name with a line break would look like two names, so it is left out. */
static void add_name(GString *lines, DIR *directory, const char *name) {
    struct stat status;

    if (g_str_equal(name, ".") || g_str_equal(name, "..") || strchr(name, '\n'))
        return;
    /* Follows symbolic links, because a link to a directory can be entered like one. */
    bool is_directory = fstatat(dirfd(directory), name, &status, 0) == 0 && S_ISDIR(status.st_mode);
    g_string_append_printf(lines, "%s%s\n", name, is_directory ? "/" : "");
}

bool berth_copy_list_names(const char *path, int output, GError **error) {
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autofree char *inside = g_strconcat(path, "/", NULL);
    g_autofree char *there = berth_copy_enter_parent(inside, error);
    DIR *directory = there ? opendir(there) : NULL;
    struct dirent *entry;

    if (!there)
        return false;
    if (!directory)
        return berth_error_set_errno(error, errno, "%.500s of the container", path);
    while (lines->len < MAX_NAMES_BYTES && (entry = readdir(directory)))
        add_name(lines, directory, entry->d_name);
    closedir(directory);
    return berth_fd_write_all(output, lines->str, lines->len) ||
           berth_error_set_errno(error, errno, "%.500s of the container", path);
}
