/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lists what a container has changed: walks its writable layer, in the form that overlayfs keeps on
 * disk, and looks each path up in the merged tree of the image. Directories are read by descriptor,
 * and entries are sorted by name. A Changes object lives as long as the call. The one thing to
 * know: the container may be running, so an entry that disappears is skipped.
 */

#include "copy/changes.h"

#include "base/directory.h"
#include "base/fd.h"
#include "base/names.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { MAX_DEPTH = 1024 };

typedef struct {
    int image;
    FILE *output;
} Changes;

/* A deleted file of the image is a character device 0/0 (overlayfs.rst, whiteouts and opaque
 * directories). */
static bool is_whiteout(const struct stat *status) {
    return S_ISCHR(status->st_mode) && status->st_rdev == 0;
}

/* Returns true if the image has the path itself, rather than through a link: a directory in the
 * layer may have replaced a link to anywhere. */
static bool is_in_image(const Changes *changes, const char *path) {
    const struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    berth_autofd int file = (int)syscall(SYS_openat2, changes->image, path, &how, sizeof how);

    return file >= 0;
}

static bool is_shown_as_it_is(const char *path) {
    if (!g_utf8_validate(path, -1, NULL))
        return false;
    for (const char *at = path; *at; at = g_utf8_next_char(at))
        if (*at == '\\' || berth_name_is_acted_on(g_utf8_get_char(at)))
            return false;
    return true;
}

/* The output may be a terminal, and a newline in a name would end the line. */
static void write_line(const Changes *changes, char kind, const char *path) {
    g_autofree char *shown = is_shown_as_it_is(path) ? g_strdup(path) : g_strescape(path, NULL);

    fprintf(changes->output, "%c /%s\n", kind, shown);
}

static bool changes_walk(const Changes *changes, int directory, const char *path, unsigned depth,
                         GError **error);

static bool changes_visit(const Changes *changes, int parent, const char *name, const char *path,
                          unsigned depth, GError **error) {
    struct stat status;

    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT || berth_error_set_errno(error, errno, "examine %s", path);
    if (is_whiteout(&status)) {
        write_line(changes, 'D', path);
        return true;
    }
    write_line(changes, is_in_image(changes, path) ? 'C' : 'A', path);
    if (!S_ISDIR(status.st_mode))
        return true;
    berth_autofd int directory =
        openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return errno == ENOENT || berth_error_set_errno(error, errno, "open %s", path);
    return changes_walk(changes, directory, path, depth + 1, error);
}

static bool changes_walk(const Changes *changes, int directory, const char *path, unsigned depth,
                         GError **error) {
    /* Reads all names at once, so that no directory stream stays open while the walk descends,
     * which may be deep. */
    g_autoptr(GPtrArray) names = berth_directory_list_names(directory);
    bool good = names != NULL || berth_error_set_errno(error, errno, "list %s", path);

    /* Directories below MAX_DEPTH are not listed. */
    for (guint i = 0; good && i < names->len && depth < MAX_DEPTH; i++) {
        const char *name = names->pdata[i];
        g_autofree char *below = path[0] ? g_strconcat(path, "/", name, NULL) : g_strdup(name);
        good = changes_visit(changes, directory, name, below, depth, error);
    }
    return good;
}

bool berth_changes_write(int upper, int image, int output, GError **error) {
    Changes changes = {image, fdopen(output, "w")};

    if (!changes.output)
        return berth_error_set_errno(error, errno, "write");
    return changes_walk(&changes, upper, "", 0, error) &&
           (fflush(changes.output) == 0 || berth_error_set_errno(error, errno, "write"));
}
