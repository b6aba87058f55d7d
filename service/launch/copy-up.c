/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies the image's directory into a tmpfs or a volume (volume-fill.c) that will cover it: a walk
 * by descriptors, in the container's namespaces. The files that it reads are the image's: links are
 * copied and never followed, devices are left out, and the depth has a limit. Nothing is kept; a
 * failure ends the launch.
 */

#include "launch/copy-up.h"

#include "bare/fd.h"
#include "launch/entries.h"

#include <errno.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 256, CHUNK_BYTES = 1024 * 1024 };

static bool copy_directory(int from, int to, unsigned depth, BerthFault *fault);

static bool copy_up_fail(const char *name, BerthFault *fault) {
    return berth_fault_set_errno(fault, errno, "tmpcopyup: copy %s", name);
}

/* EINVAL: the container does not have this ID, and the copy stays root's (user_namespaces(7)). */
static bool set_attributes(int directory, const char *name, const struct stat *status) {
    const struct timespec times[] = {status->st_atim, status->st_mtim};
    int flags = AT_SYMLINK_NOFOLLOW | (name[0] ? 0 : AT_EMPTY_PATH);

    if (fchownat(directory, name, status->st_uid, status->st_gid, flags) < 0 && errno != EINVAL)
        return false;
    /* After the owner, whose change drops set-user-ID. */
    if (!S_ISLNK(status->st_mode) &&
        (name[0] ? fchmodat(directory, name, status->st_mode & 07777, 0)
                 : fchmod(directory, status->st_mode & 07777)) < 0)
        return false;
    return !name[0] || utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool copy_up_file(int from, int to, const char *name, BerthFault *fault) {
    berth_autofd int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    berth_autofd int target =
        source < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t size = 1;

    while (target >= 0 && size > 0)
        size = sendfile(target, source, NULL, CHUNK_BYTES);
    return (target >= 0 && size == 0) || copy_up_fail(name, fault);
}

static bool copy_up_link(int from, int to, const char *name, BerthFault *fault) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(from, name, target, sizeof target - 1);

    if (size >= 0)
        target[size] = '\0';
    return (size >= 0 && symlinkat(target, to, name) == 0) || copy_up_fail(name, fault);
}

static bool copy_below(int from, int to, const char *name, unsigned depth, BerthFault *fault) {
    berth_autofd int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (source < 0 || mkdirat(to, name, 0700) < 0)
        return copy_up_fail(name, fault);
    berth_autofd int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return target < 0 ? copy_up_fail(name, fault)
                      : copy_directory(source, target, depth + 1, fault);
}

static bool copy_entry(int from, int to, const char *name, unsigned depth, BerthFault *fault) {
    struct stat status;
    bool good;

    if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return copy_up_fail(name, fault);
    if (S_ISDIR(status.st_mode))
        good = copy_below(from, to, name, depth, fault);
    else if (S_ISREG(status.st_mode))
        good = copy_up_file(from, to, name, fault);
    else if (S_ISLNK(status.st_mode))
        good = copy_up_link(from, to, name, fault);
    else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
        /* Devices of an image are never used. */
        return true;
    else
        good = mknodat(to, name, status.st_mode, 0) == 0 || copy_up_fail(name, fault);
    return good && (set_attributes(to, name, &status) || copy_up_fail(name, fault));
}

typedef struct {
    int to;
    unsigned depth;
    BerthFault *fault;
    bool failed; /* with fault */
} Copy;

static bool copy_seen(int from, const char *name, void *userdata) {
    Copy *copy = userdata;

    copy->failed = !copy_entry(from, copy->to, name, copy->depth, copy->fault);
    return !copy->failed;
}

static bool copy_directory(int from, int to, unsigned depth, BerthFault *fault) {
    Copy copy = {to, depth, fault, false};

    if (depth > MAX_DEPTH)
        return berth_fault_set(fault, "tmpcopyup: directories are nested too deep");
    return berth_entries_each(from, copy_seen, &copy) ||
           (!copy.failed && copy_up_fail("a directory", fault));
}

bool berth_copy_up(int from, int to, bool keeps_own, BerthFault *fault) {
    return copy_directory(from, to, 0, fault) &&
           (keeps_own || berth_copy_up_attributes(from, to, fault));
}

bool berth_copy_up_attributes(int from, int to, BerthFault *fault) {
    struct stat status;

    return (fstat(from, &status) == 0 && set_attributes(to, "", &status)) ||
           copy_up_fail("a directory", fault);
}
