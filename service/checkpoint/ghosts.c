/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ghost files of an interrupted restore (ghosts.h). A mark in the container's directory says that a
 * restore is in progress. A restore that finds the mark removes what the previous one has left in
 * the writable layer, before CRIU starts. The mark is the only state.
 */

#include "checkpoint/ghosts.h"

#include "base/directory.h"
#include "base/fd.h"

#include <errno.h>
#include <sys/stat.h>

/* Exists while a restore is in progress. */
#define MARK "restoring"
/* Ghost files as criu/files-reg.c names them. */
#define PATTERN "*.cr.*.ghost"

enum { MAX_DEPTH = 1024 };

static bool ghosts_sweep(int directory, unsigned depth, GError **error);

static bool ghosts_visit(int directory, const char *name, unsigned depth, GError **error) {
    bool is_ghost = g_pattern_match_simple(PATTERN, name);
    struct stat status;

    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT || berth_error_set_errno(error, errno, "examine %s", name);
    if (S_ISDIR(status.st_mode)) {
        berth_autofd int below =
            openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0 || depth >= MAX_DEPTH)
            return berth_error_set_errno(error, below < 0 ? errno : ELOOP, "open %s", name);
        if (!ghosts_sweep(below, depth + 1, error))
            return false;
    }
    return !is_ghost ||
           unlinkat(directory, name, S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0) == 0 ||
           errno == ENOTEMPTY || berth_error_set_errno(error, errno, "remove %s", name);
}

static bool ghosts_sweep(int directory, unsigned depth, GError **error) {
    berth_autolist DIR *list = berth_directory_list(directory);
    bool good = list || berth_error_set_errno(error, errno, "list the writable layer");
    const char *name;

    while (good && (name = berth_directory_next(list)))
        good = ghosts_visit(directory, name, depth, error);
    return good;
}

bool berth_ghosts_begin(int directory, GError **error) {
    berth_autofd int mark = openat(directory, MARK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (mark >= 0)
        return true;
    if (errno != EEXIST)
        return berth_error_set_errno(error, errno, "mark the restore");
    berth_autofd int upper =
        openat(directory, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* A root that is a directory of the caller has no such layer. */
    return upper < 0 || ghosts_sweep(upper, 0, error);
}

void berth_ghosts_end(int directory) {
    (void)unlinkat(directory, MARK, 0);
}
