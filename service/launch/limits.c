/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes limits of a cgroup (limits.h). The text for a failure is the same as berthd's for a new
 * cgroup (systemd/limit-files.c). There is no state here.
 */

#include "launch/limits.h"

#include "bare/fd.h"
#include "launch/outer-sandbox.h"
#include "launch/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int berth_limits_set(char *properties, char *values, const char *path) {
    const char *property, *value;
    BerthFault fault;

    berth_outer_sandbox_enter();
    /* The files are already open, and writing to them needs no privilege. */
    if (!berth_outer_sandbox_only_read())
        berth_fail_errno("limits", "give up privileges");
    for (int fd = BERTH_FIRST_FREE_FD;
         (property = strsep(&properties, ":")) && (value = strsep(&values, ":")); fd++)
        if (!berth_fd_write_all(fd, value, strlen(value))) {
            berth_fault_set_errno(&fault, errno, "set %s of the cgroup \"%s\"", property, path);
            berth_peer_send(BERTH_SOCKET_FD, BERTH_LAUNCH_FAILED, fault.text, -1);
            return EXIT_FAILURE;
        }
    return berth_peer_send(BERTH_SOCKET_FD, BERTH_LAUNCH_DONE, NULL, -1) ? EXIT_SUCCESS
                                                                         : EXIT_FAILURE;
}
