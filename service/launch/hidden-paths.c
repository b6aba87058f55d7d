/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Paths that the command cannot see or cannot write to: "maskedPaths", "readonlyPaths" and a
 * read-only root (runtime specification, config-linux.md). The inner process calls this once, in
 * the container's root and mount namespace. There is no state here. The one thing to know: kernel
 * parameters and directories are written before it (inside.c), since it may make /proc/sys and the
 * root read-only.
 */

#include "launch/hidden-paths.h"

#include "bare/fd.h"
#include "launch/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Attaches a read-only clone of a mount at path. */
static bool attach_clone(int source, const char *path, BerthFault *fault) {
    struct mount_attr attribute = {.attr_set = MOUNT_ATTR_RDONLY};
    berth_autofd int tree = (int)syscall(SYS_open_tree, source, "",
                                         AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    return (tree >= 0 &&
            syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attribute, sizeof attribute) ==
                0 &&
            syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == 0) ||
           berth_fault_set_errno(fault, errno, "mask %s", path);
}

/* An empty file system, not attached anywhere yet. */
static int make_empty(BerthFault *fault) {
    berth_autofd int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    int tree = -1;

    if (context >= 0 &&
        syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", "tmpfs", 0) == 0 &&
        syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0755", 0) == 0 &&
        syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        tree = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                            MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                MOUNT_ATTR_NOEXEC);
    if (tree < 0)
        berth_fault_set_errno(fault, errno, "make an empty file system");
    return tree;
}

/* The mask must be the null device itself. A link in the image, or in a container that shares this
 * /dev, could put something else in place of the masked file. */
static int open_null(BerthFault *fault) {
    berth_autofd int null = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    if (null >= 0 && fstat(null, &status) == 0 && S_ISCHR(status.st_mode) &&
        status.st_rdev == makedev(1, 3))
        return berth_fd_steal(&null);
    berth_fault_set(fault, "/dev/null in the container is not the null device; cannot mask files");
    return -1;
}

/* A file is hidden by /dev/null, a directory by an empty file system; a single one serves all. */
static bool mask_paths(const BerthTexts *list, BerthFault *fault) {
    char *const *paths = list->texts, *const *end = paths + list->count;
    berth_autofd int null = list->count > 0 ? open_null(fault) : -1;
    berth_autofd int empty = -1, tree = -1;
    struct stat status;

    if (list->count > 0 && null < 0)
        return false;
    for (; paths < end; paths++) {
        /* A path that this kernel does not have needs no mask. */
        if (lstat(*paths, &status) < 0)
            continue;
        if (!S_ISDIR(status.st_mode)) {
            if (!attach_clone(null, *paths, fault))
                return false;
            continue;
        }
        if (empty < 0) {
            /* Only an attached mount can be cloned, so the first one is the source of the
             * others. */
            if ((tree = make_empty(fault)) < 0 || !berth_mounts_cover(*paths, tree, fault))
                return false;
            empty = berth_fd_steal(&tree);
            continue;
        }
        if (!attach_clone(empty, *paths, fault))
            return false;
    }
    return true;
}

/* The process is in the container's root, so a link in the image cannot lead out of the container.
 * A missing path is not an error. */
static bool make_read_only(const char *path, BerthFault *fault) {
    struct mount_attr attribute = {.attr_set = MOUNT_ATTR_RDONLY};

    if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
        return errno == ENOENT || berth_fault_set_errno(fault, errno, "make %s read-only", path);
    return syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attribute, sizeof attribute) ==
               0 ||
           berth_fault_set_errno(fault, errno, "make %s read-only", path);
}

bool berth_hidden_paths_apply(const BerthSetup *setup, BerthFault *fault) {
    struct mount_attr attribute = {.attr_set = MOUNT_ATTR_RDONLY};

    if (!mask_paths(&setup->masked_paths, fault))
        return false;
    for (uint32_t i = 0; i < setup->read_only_paths.count; i++)
        if (!make_read_only(setup->read_only_paths.texts[i], fault))
            return false;
    if (setup->read_only &&
        syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attribute, sizeof attribute) < 0)
        return berth_fault_set_errno(fault, errno, "make the root read-only");
    if (setup->root_propagation && mount(NULL, "/", NULL, setup->root_propagation, NULL) < 0)
        return berth_fault_set_errno(fault, errno, "set the propagation of the root");
    return true;
}
