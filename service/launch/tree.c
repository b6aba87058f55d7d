/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The system calls that create one detached mount. The descriptor is the mount: the caller closes
 * it, and a mount that has not been attached anywhere disappears with it.
 */

#include "launch/tree.h"

#include "bare/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int berth_tree_clone(int file, bool recursive, BerthFault *fault) {
    int tree = (int)syscall(SYS_open_tree, file, "",
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
                                (recursive ? AT_RECURSIVE : 0));

    if (tree < 0)
        berth_fault_set_errno(fault, errno, "clone the mount of a directory");
    return tree;
}

int berth_tree_open_below(int tree, const char *path, BerthFault *fault) {
    int part =
        berth_fd_open_resolving(tree, path, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

    if (part < 0)
        berth_fault_set_errno(fault, errno, "open the subpath %s", path);
    return part;
}

bool berth_tree_set_attributes(int tree, uint64_t set, uint64_t clear, uint64_t propagation,
                               int userns, bool recursive, const char *what, BerthFault *fault) {
    struct mount_attr attributes = {
        .attr_set = set | (userns >= 0 ? MOUNT_ATTR_IDMAP : 0),
        .attr_clr = clear,
        .propagation = propagation,
        .userns_fd = userns >= 0 ? (uint64_t)userns : 0,
    };

    if (attributes.attr_set == 0 && clear == 0 && propagation == 0)
        return true;
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0),
                &attributes, sizeof attributes) == 0)
        return true;
    return userns >= 0 ? berth_fault_set_errno(fault, errno, "map the ids of %s", what)
                       : berth_fault_set_errno(fault, errno, "mount %s", what);
}

bool berth_tree_check_inode(int fd, const char *path, uint64_t device, uint64_t inode,
                            BerthFault *fault) {
    struct stat status;

    if (fstat(fd, &status) < 0)
        return berth_fault_set_errno(fault, errno, "examine %s", path);
    return (status.st_dev == device && status.st_ino == inode) ||
           berth_fault_set(fault, "%s was replaced since it was given to the container", path);
}
