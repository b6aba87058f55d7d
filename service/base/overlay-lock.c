/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Creates a clone of a mount whose flags its holder cannot clear. The kernel locks the flags of
 * mounts that are copied into a mount namespace owned by another user namespace, and clones of
 * those are locked as well (mount_namespaces(7)). A child process creates such namespaces and
 * clones the mount in them. It shares its table of descriptors with the parent (CLONE_FILES), which
 * is how the clone gets out; the namespaces disappear with the child. There is no state; the clone
 * belongs to the caller.
 */

#include "base/overlay-lock.h"

#include "bare/pivot.h"
#include "base/fd.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Runs in the child. Returns 0 or an errno, which fits into an exit status. nosuid is set before
 * the mount is copied into the new namespace, so that it is locked as well. The descriptor number
 * place is replaced by the clone. */
static int lock_in_child(int mount_fd, int place) {
    const struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID};

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes) <
            0 ||
        !berth_pivot_attach(mount_fd) || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return errno;
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, BERTH_PIVOT_PLACE,
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    int moved = tree < 0 ? -1 : dup3(tree, place, O_CLOEXEC);
    int errnum = errno;
    if (tree >= 0)
        close(tree);
    return moved < 0 ? errnum : 0;
}

/* The clone has its own copy of the memory (no CLONE_VM), but shares the table of descriptors. */
int berth_overlay_lock(int mount_fd, GError **error) {
    berth_autofd int place = fcntl(mount_fd, F_DUPFD_CLOEXEC, 0);
    int status = 0;
    pid_t pid =
        place < 0 ? -1 : (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(lock_in_child(mount_fd, place));
    if (pid < 0) {
        berth_error_set_errno(error, errno, "make a process to lock the mount");
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) {
            berth_error_set_errno(error, errno, "lock the mount");
            return -1;
        }
    if (status != 0) {
        berth_error_set_errno(error, WIFEXITED(status) ? WEXITSTATUS(status) : EIO,
                              "lock the mount");
        return -1;
    }
    return berth_fd_steal(&place);
}
