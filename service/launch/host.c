/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The way into the host's own mount namespace. The service's namespace, in which this process
 * starts, hides everything that the service does not need. There is no way back: anything that
 * needs the service's namespace must be done before, or be reachable through open descriptors.
 */

#include "launch/host.h"

#include "bare/fd.h"
#include "launch/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

bool berth_host_enter(BerthFault *fault) {
    static bool entered;
    berth_autofd int namespace = -1;

    if (entered)
        return true;
    namespace = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || setns(namespace, CLONE_NEWNS) < 0)
        return berth_fault_set_errno(fault, errno, "enter the host's mount namespace");
    return entered = true;
}

/* A descriptor stays in the mount namespace in which it was opened, and open_tree(2) only clones
 * mounts of the caller's namespace. Therefore the path that the kernel shows for the descriptor is
 * opened again, now in the host's namespace. */
bool berth_host_reopen(int fd, BerthFault *fault) {
    char link[BERTH_PROC_PATH_BYTES], path[PATH_MAX];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return berth_fault_set_errno(fault, errno, "examine %s", link);
    path[size] = '\0';
    berth_autofd int again = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (again >= 0 && dup3(again, fd, O_CLOEXEC) >= 0) ||
           berth_fault_set_errno(fault, errno, "open %s again", path);
}
