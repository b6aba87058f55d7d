/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Moves dist out of the cgroup of its unit. A cgroup that distributes controllers to its children
 * must not have processes of its own (cgroup-v2.rst, "No Internal Process Constraint"), but systemd
 * starts the programs of a unit in the unit's own cgroup. So dist moves to a child, berth-dist,
 * beside which the service makes the container's. With DelegateSubgroup= systemd has already done
 * this. Failures are ignored here: the service decides whether the cgroup may be used, and reports
 * why not.
 */

#include "client/leaf.h"

#include "base/delegation.h"
#include "base/fd.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void dist_leaf_enter(void) {
    g_autofree char *path = berth_delegation_read_cgroup(0, NULL);
    berth_autofd int root = path ? berth_delegation_open_root(NULL) : -1;
    g_autofree char *parent = root < 0 ? NULL : berth_delegation_find(root, path, NULL);

    if (!parent || !g_str_equal(parent, path))
        return;
    berth_autofd int directory = berth_delegation_open(root, parent, NULL);
    /* root has the permission, but must not use it where systemd manages the cgroup. */
    if (directory < 0 || (geteuid() == 0 && !berth_delegation_is_marked(directory)))
        return;
    (void)mkdirat(directory, BERTH_DELEGATION_LEAF, 0755);
    berth_autofd int processes =
        openat(directory, BERTH_DELEGATION_LEAF "/cgroup.procs", O_WRONLY | O_CLOEXEC);
    /* 0 stands for the writing process. */
    if (processes < 0 || !berth_fd_write_all(processes, "0", 1))
        (void)unlinkat(directory, BERTH_DELEGATION_LEAF, AT_REMOVEDIR);
}
