/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounts are made by fsopen(2), fsconfig(2) and fsmount(2) and belong to the caller as descriptors;
 * nothing is attached. Layers are given by descriptor ("lowerdir+") or, to kernels that do not take
 * that, as numbers relative to /proc/self/fd, which keeps the list of hundreds of layers short.
 */

#include "base/overlay.h"

#include "base/fd.h"
#include "base/pivot.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int clone_read_only(int layer, GError **error) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};
    berth_autofd int tree =
        syscall(SYS_open_tree, layer, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 ||
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) {
        berth_error_set_errno(error, errno, "clone the mount of a layer");
        return -1;
    }
    return berth_fd_steal(&tree);
}

/* Linux 6.13 takes descriptors. */
static bool set_by_descriptors(int context, const int *layers, unsigned count, int upper,
                               int work) {
    for (unsigned i = 0; i < count; i++)
        if (syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, "lowerdir+", NULL, layers[i]) < 0)
            return false;
    return upper < 0 ||
           (syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, "upperdir", NULL, upper) == 0 &&
            syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, "workdir", NULL, work) == 0);
}

/* Earlier ones take paths of at most 256 bytes in all. */
static bool set_by_numbers(int context, const int *layers, unsigned count, int upper, int work) {
    g_autoptr(GString) lower = g_string_new(NULL);
    g_autofree char *upper_name = g_strdup_printf("%d", upper);
    g_autofree char *work_name = g_strdup_printf("%d", work);

    for (unsigned i = 0; i < count; i++)
        g_string_append_printf(lower, "%s%d", i > 0 ? ":" : "", layers[i]);
    return syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "lowerdir", lower->str, 0) == 0 &&
           (upper < 0 ||
            (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "upperdir", upper_name, 0) == 0 &&
             syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "workdir", work_name, 0) == 0));
}

static int make_mount(int context, bool writable, GError **error) {
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
        berth_error_set_errno(error, errno, "make the overlay");
        return -1;
    }
    int mount = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                        MOUNT_ATTR_NODEV | (writable ? 0 : MOUNT_ATTR_RDONLY));
    if (mount < 0)
        berth_error_set_errno(error, errno, "mount the overlay");
    return mount;
}

/* With numbers as paths, which mean descriptors within /proc/self/fd, and are short. Kernels differ
 * in when they look at them, so it is the working directory from the first to the last call. */
static int mount_by_numbers(const int *layers, unsigned count, int upper, int work,
                            GError **error) {
    berth_autofd int context = syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
    berth_autofd int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int mount = -1;

    if (context < 0 || before < 0 || chdir("/proc/self/fd") < 0) {
        berth_error_set_errno(error, errno, "open the overlay file system");
        return -1;
    }
    if (set_by_numbers(context, layers, count, upper, work))
        mount = make_mount(context, upper >= 0, error);
    else
        berth_error_set_errno(error, errno, "give the overlay its %u layers", count);
    if (fchdir(before) < 0 && mount >= 0)
        berth_fd_clear(&mount);
    return mount;
}

int berth_overlay_mount(const int *layers, unsigned count, int upper, int work, GError **error) {
    if (upper < 0 && count == 1)
        return clone_read_only(layers[0], error);

    berth_autofd int context = syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
    if (context >= 0 && set_by_descriptors(context, layers, count, upper, work))
        return make_mount(context, upper >= 0, error);
    return mount_by_numbers(layers, count, upper, work, error);
}

/* In a process of its own, with the descriptors of the parent: the kernel locks the flags of mounts
 * that come into a mount namespace of less privilege (mount_namespaces(7)), and clones of those
 * have them locked, too. place becomes the clone. */
static int lock_in_child(int mount_fd, int place) {
    const struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID};

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes) <
            0 ||
        !berth_pivot_attach(mount_fd, NULL) || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return errno;
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, BERTH_PIVOT_PLACE,
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    int moved = tree < 0 ? -1 : dup3(tree, place, O_CLOEXEC);
    int errnum = errno;
    if (tree >= 0)
        close(tree);
    return moved < 0 ? errnum : 0;
}

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
