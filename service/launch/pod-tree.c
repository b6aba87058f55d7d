/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A mount that all containers of a pod share, as a detached tree: /dev/shm, because POSIX shared
 * memory belongs together with the IPC namespace. Nothing but the tree outlives the call, and the
 * caller owns it. The one thing to know: open_tree(2) clones only mounts of the caller's mount
 * namespace, so this process enters that of the pod and comes back. What it opens there is whatever
 * the pod has in that place; nothing of the host is visible.
 */

#include "launch/pod-tree.h"

#include "bare/fd.h"
#include "bare/launch-protocol.h"
#include "launch/text.h"
#include "launch/tree.h"

#include <errno.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static int clone_source(const BerthMount *mount, BerthFault *fault) {
    const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                                 .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    berth_autofd int source = (int)syscall(SYS_openat2, AT_FDCWD, mount->source, &how, sizeof how);

    if (source < 0) {
        berth_fault_set_errno(fault, errno, "open %s of the pod", mount->source);
        return -1;
    }
    return berth_tree_clone(source, false, fault);
}

/* The /proc directory of the pod's first process stays bound to that process: if it has ended, the
 * open fails, even if another process has its PID now. */
int berth_pod_tree_make(const BerthMount *mount, BerthFault *fault) {
    char path[BERTH_PROC_PATH_BYTES];

    snprintf(path, sizeof path, "/proc/self/fd/%d/ns/mnt", BERTH_POD_FD);
    berth_autofd int before = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    berth_autofd int pods = open(path, O_RDONLY | O_CLOEXEC);
    if (before < 0 || pods < 0 || setns(pods, CLONE_NEWNS) < 0) {
        berth_fault_set_errno(fault, errno, "enter the mount namespace of the pod");
        return -1;
    }
    berth_autofd int tree = clone_source(mount, fault);
    if (setns(before, CLONE_NEWNS) < 0) {
        berth_fault_set_errno(fault, errno, "leave the mount namespace of the pod");
        return -1;
    }
    if (tree < 0 || !berth_tree_set_attributes(tree, mount->set, mount->clear, MS_PRIVATE, -1,
                                               false, mount->source, fault))
        return -1;
    return berth_fd_steal(&tree);
}
