/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A cgroup that distributes controllers to its children must not have processes of its own
 * (cgroup-v2.rst, "No Internal Process Constraint"), and systemd starts the programs of a unit in
 * the unit's cgroup itself. So dist moves to a child, berth-dist, beside which the service makes
 * the container's. With DelegateSubgroup= systemd has done that already. The service decides
 * whether the cgroup may be used, and says so better than a failure here.
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
    /* root could, but must not, where systemd is in charge. */
    if (directory < 0 || (geteuid() == 0 && !berth_delegation_is_marked(directory)))
        return;
    (void)mkdirat(directory, BERTH_DELEGATION_LEAF, 0755);
    berth_autofd int processes =
        openat(directory, BERTH_DELEGATION_LEAF "/cgroup.procs", O_WRONLY | O_CLOEXEC);
    /* 0 is the process that writes. */
    if (processes < 0 || !berth_fd_write_all(processes, "0", 1))
        (void)unlinkat(directory, BERTH_DELEGATION_LEAF, AT_REMOVEDIR);
}
