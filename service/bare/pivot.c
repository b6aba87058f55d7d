/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes a mounted tree the root of its mount namespace. There is no state. pivot_root(".", ".")
 * stacks the old root onto the new one, from where it is detached at once: no directory is needed
 * to put it into (pivot_root(2)).
 */

#include "bare/pivot.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

bool berth_pivot_attach(int tree) {
    return syscall(SYS_move_mount, tree, "", AT_FDCWD, BERTH_PIVOT_PLACE,
                   MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

bool berth_pivot_enter(int tree) {
    return fchdir(tree) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 &&
           umount2(".", MNT_DETACH) == 0 && chdir("/") == 0;
}

bool berth_pivot(int tree) {
    return berth_pivot_attach(tree) && berth_pivot_enter(tree);
}
