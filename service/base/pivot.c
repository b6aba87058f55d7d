/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pivot_root(".", ".") stacks the old root onto the new one, where it is detached at once: no
 * directory is needed to put it into (pivot_root(2)). */

#include "base/pivot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

bool berth_pivot_attach(int tree, GError **error) {
    return syscall(SYS_move_mount, tree, "", AT_FDCWD, BERTH_PIVOT_PLACE,
                   MOVE_MOUNT_F_EMPTY_PATH) == 0 ||
           berth_error_set_errno(error, errno, "attach the new root");
}

bool berth_pivot_enter(int tree, GError **error) {
    if (fchdir(tree) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
        chdir("/") < 0)
        return berth_error_set_errno(error, errno, "change the root");
    return true;
}

bool berth_pivot(int tree, GError **error) {
    return berth_pivot_attach(tree, error) && berth_pivot_enter(tree, error);
}
