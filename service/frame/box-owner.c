/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The box of a worker for a user's directory: root of a user namespace in which the user and the
 * user's group are the only ids. The file system of the directory may be a program of the user's
 * that answers nobody, so berthd waits for none of this.
 */

#include "base/fd.h"
#include "frame/box-parts.h"

#include <errno.h>
#include <grp.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>

static bool write_map(int process, const char *name, unsigned id) {
    char line[32];
    int length = g_snprintf(line, sizeof line, "0 %u 1\n", id);
    berth_autofd int file = openat(process, name, O_WRONLY | O_CLOEXEC);

    return file >= 0 && write(file, line, (size_t)length) == length;
}

/* Waits until the worker is in its namespace, or has gone. */
G_GNUC_NORETURN static void map_ids(int ready, int worker, uid_t uid, gid_t gid) {
    char byte;
    bool mapped = read(ready, &byte, 1) == 1 && write_map(worker, "gid_map", gid) &&
                  write_map(worker, "uid_map", uid);

    _exit(mapped ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* The maps of another user are written from outside of the namespace: by a child, which ends with
 * that. */
static bool enter_user_namespace(uid_t uid, gid_t gid, GError **error) {
    berth_autofd int worker = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int ends[2], status = 0;

    if (worker < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return berth_error_set_errno(error, errno, "prepare a user namespace");
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        map_ids(ends[0], worker, uid, gid);
    }
    berth_autofd int ready = ends[1];
    close(ends[0]);
    if (child < 0)
        return berth_error_set_errno(error, errno, "fork");
    int errnum = unshare(CLONE_NEWUSER) == 0 && write(ready, "x", 1) == 1 ? 0 : errno;
    berth_fd_clear(&ready);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (errnum != 0)
        return berth_error_set_errno(error, errnum, "make a user namespace");
    if (status != 0)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "cannot map user %u into a namespace",
                               (unsigned)uid);
    return (setgroups(0, NULL) == 0 && setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0) ||
           berth_error_set_errno(error, errno, "become user %u", (unsigned)uid);
}

/* The directory becomes the root after the ids have changed: a file system may let in nobody but
 * its user, not even root. What is outside is that user's world too, so chroot(2) is enough. */
bool berth_box_become_owner(int directory, uid_t uid, gid_t gid, GError **error) {
    berth_autofd int tree = berth_box_clone_mount(directory, "", MOUNT_ATTR_NOEXEC);

    if (tree < 0 && errno != EINVAL)
        return berth_error_set_errno(error, errno, "clone the mount of the directory");
    if (unshare(CLONE_NEWNS) < 0)
        return berth_error_set_errno(error, errno, "make a mount namespace");
    if (!enter_user_namespace(uid, gid, error))
        return false;
    return (fchdir(tree < 0 ? directory : tree) == 0 && chroot(".") == 0) ||
           berth_error_set_errno(error, errno, "change to the directory");
}
