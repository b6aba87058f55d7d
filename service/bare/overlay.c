/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounts are made with fsopen(2), fsconfig(2) and fsmount(2) and belong to the caller as
 * descriptors; nothing is attached. Layers are passed as descriptors ("lowerdir+") or, to kernels
 * that do not support that, as numbers relative to /proc/self/fd, which keeps a list of hundreds of
 * layers short.
 */

#include "bare/overlay.h"

#include "bare/fd.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>

/* fsconfig(2) takes strings of at most 256 bytes, including the NUL. */
enum { MAX_LOWER_BYTES = 256 };

/* A clone is in the peer group of its source (mount_namespaces(7)): without MS_PRIVATE, what is
 * mounted over the clone would also be mounted over the snapshot, and so in each container that
 * uses it. */
static int clone_read_only(int layer) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV,
                                    .propagation = MS_PRIVATE};
    berth_autofd int tree =
        (int)syscall(SYS_open_tree, layer, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 ||
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
        return -1;
    return berth_fd_steal(&tree);
}

/* Linux 6.13 and later take descriptors. */
static bool set_by_descriptors(int context, const int *layers, unsigned count, int upper,
                               int work) {
    for (unsigned i = 0; i < count; i++)
        if (syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, "lowerdir+", NULL, layers[i]) < 0)
            return false;
    return upper < 0 ||
           (syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, "upperdir", NULL, upper) == 0 &&
            syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, "workdir", NULL, work) == 0);
}

static bool set_number(int context, const char *name, int fd) {
    char text[16];

    snprintf(text, sizeof text, "%d", fd);
    return syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, name, text, 0) == 0;
}

/* Earlier kernels take paths of at most 256 bytes in total. */
static bool set_by_numbers(int context, const int *layers, unsigned count, int upper, int work) {
    char lower[MAX_LOWER_BYTES];
    size_t length = 0;

    for (unsigned i = 0; i < count; i++) {
        int added =
            snprintf(lower + length, sizeof lower - length, "%s%d", i > 0 ? ":" : "", layers[i]);
        length += (size_t)added;
        if (length >= sizeof lower) {
            errno = E2BIG;
            return false;
        }
    }
    return syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "lowerdir", lower, 0) == 0 &&
           (upper < 0 ||
            (set_number(context, "upperdir", upper) && set_number(context, "workdir", work)));
}

static int make_mount(int context, const char *source, bool writable) {
    if ((source && syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", source, 0) < 0) ||
        syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                        MOUNT_ATTR_NODEV | (writable ? 0 : MOUNT_ATTR_RDONLY));
}

/* Uses numbers as paths, which refer to descriptors in /proc/self/fd and are short. Kernels differ
 * in when they resolve them, so that is the working directory from the first to the last call. */
static int mount_by_numbers(const int *layers, unsigned count, int upper, int work,
                            const char *source) {
    berth_autofd int context = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
    berth_autofd int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int mount = -1;

    if (context < 0 || before < 0 || chdir("/proc/self/fd") < 0)
        return -1;
    if (set_by_numbers(context, layers, count, upper, work))
        mount = make_mount(context, source, upper >= 0);
    int errnum = errno;
    if (fchdir(before) < 0 && mount >= 0)
        berth_fd_clear(&mount);
    else
        errno = errnum;
    return mount;
}

int berth_overlay_mount(const int *layers, unsigned count, int upper, int work,
                        const char *source) {
    if (upper < 0 && count == 1)
        return clone_read_only(layers[0]);

    berth_autofd int context = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
    if (context >= 0 && set_by_descriptors(context, layers, count, upper, work))
        return make_mount(context, source, upper >= 0);
    return mount_by_numbers(layers, count, upper, work, source);
}
