/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies the image's directory into the tmpfs or volume (volume-fill.c) that will cover it, by a
 * walk using descriptors, in the container's namespaces. The files it reads come from the image:
 * links are copied and never followed, devices are left out, and the depth is limited. There is no
 * state here; a failure ends the launch.
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

/* EINVAL: the container does not have this ID, and the copy stays root's (user_namespaces(7)). The
 * mode is set after the owner, because a change of owner clears set-user-ID. A descriptor is used,
 * since another container with the volume may replace the name by a link, which fchmodat(2) would
 * follow. */
static bool set_attributes(int file, const struct stat *status) {
    return (fchown(file, status->st_uid, status->st_gid) == 0 || errno == EINVAL) &&
           fchmod(file, status->st_mode & 07777) == 0;
}

static bool set_times(int file, const struct stat *status) {
    const struct timespec times[] = {status->st_atim, status->st_mtim};

    return futimens(file, times) == 0;
}

/* For what is not opened: links, FIFOs and sockets. Their mode was set at creation, since there is
 * no umask yet (inside.c). */
static bool set_unopened(int directory, const char *name, const struct stat *status) {
    const struct timespec times[] = {status->st_atim, status->st_mtim};

    return (fchownat(directory, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) == 0 ||
            errno == EINVAL) &&
           utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool copy_up_file(int from, int to, const char *name, const struct stat *status,
                         BerthFault *fault) {
    berth_autofd int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    berth_autofd int target =
        source < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t size = 1;

    while (target >= 0 && size > 0)
        size = sendfile(target, source, NULL, CHUNK_BYTES);
    return (target >= 0 && size == 0 && set_attributes(target, status) &&
            set_times(target, status)) ||
           copy_up_fail(name, fault);
}

static bool copy_up_link(int from, int to, const char *name, const struct stat *status,
                         BerthFault *fault) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(from, name, target, sizeof target - 1);

    if (size >= 0)
        target[size] = '\0';
    return (size >= 0 && symlinkat(target, to, name) == 0 && set_unopened(to, name, status)) ||
           copy_up_fail(name, fault);
}

static bool copy_up_special(int to, const char *name, const struct stat *status,
                            BerthFault *fault) {
    return (mknodat(to, name, status->st_mode, 0) == 0 && set_unopened(to, name, status)) ||
           copy_up_fail(name, fault);
}

static bool copy_below(int from, int to, const char *name, const struct stat *status,
                       unsigned depth, BerthFault *fault) {
    berth_autofd int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (source < 0 || mkdirat(to, name, 0700) < 0)
        return copy_up_fail(name, fault);
    berth_autofd int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0)
        return copy_up_fail(name, fault);
    return copy_directory(source, target, depth + 1, fault) &&
           ((set_attributes(target, status) && set_times(target, status)) ||
            copy_up_fail(name, fault));
}

static bool copy_entry(int from, int to, const char *name, unsigned depth, BerthFault *fault) {
    struct stat status;

    if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return copy_up_fail(name, fault);
    if (S_ISDIR(status.st_mode))
        return copy_below(from, to, name, &status, depth, fault);
    if (S_ISREG(status.st_mode))
        return copy_up_file(from, to, name, &status, fault);
    if (S_ISLNK(status.st_mode))
        return copy_up_link(from, to, name, &status, fault);
    /* Devices in an image are never used. */
    return S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode) ||
           copy_up_special(to, name, &status, fault);
}

typedef struct {
    int to;
    unsigned depth;
    BerthFault *fault;
    bool failed; /* fault is set */
} DirectoryCopy;

static bool copy_seen(int from, const char *name, void *userdata) {
    DirectoryCopy *copy = userdata;

    copy->failed = !copy_entry(from, copy->to, name, copy->depth, copy->fault);
    return !copy->failed;
}

static bool copy_directory(int from, int to, unsigned depth, BerthFault *fault) {
    DirectoryCopy copy = {to, depth, fault, false};

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

    return (fstat(from, &status) == 0 && set_attributes(to, &status)) ||
           copy_up_fail("a directory", fault);
}
