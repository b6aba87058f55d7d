/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See private-mounts.h. There is no state but the namespace of the process: the caller leaves what
 * it has entered, also after an error.
 */

#include "launch/private-mounts.h"

#include "bare/fd.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

int berth_private_mounts_enter(void) {
    berth_autofd int before = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

    if (before < 0 || unshare(CLONE_NEWNS) < 0)
        return -1;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
        return berth_fd_steal(&before);
    (void)setns(before, CLONE_NEWNS);
    return -1;
}

bool berth_private_mounts_leave(int before) {
    berth_autofd int namespace = before;

    return namespace < 0 || setns(namespace, CLONE_NEWNS) == 0;
}
