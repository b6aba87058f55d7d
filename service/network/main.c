/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-network: connects a container to a network and disconnects it (network/connection.h). It
 * reads JSON documents, of an administrator's and of plugins', which berth-launch does not.
 *
 *   berth-network connect ID PID       run by berth-launch, in the host's mount namespace, with the
 *                                      descriptors of the launch protocol; a failure is reported to
 *                                      berthd from here, and its status is then 125
 *   berth-network disconnect ID PID    run by berthd, with networks/ in the place of the
 *                                      container's directory; a failure is written to standard
 *                                      error
 */

#include "bare/launch-protocol.h"
#include "bare/setup.h"
#include "launch/host.h"
#include "launch/outer-box.h"
#include "launch/peer.h"
#include "network/connection.h"

#include <stdio.h>
#include <stdlib.h>

static int connect_container(const char *id, pid_t pid) {
    const BerthSetup *setup = berth_peer_map_setup();
    g_autoptr(GError) error = NULL;

    if (!berth_connection_make(setup, id, pid, BERTH_DIRECTORY_FD, &error))
        berth_fail("network", NULL, error->message, BERTH_EXIT_LAUNCH);
    return EXIT_SUCCESS;
}

/* Plugins are the host's, and so is what they keep. */
static int disconnect_container(const char *id, pid_t pid) {
    g_autoptr(GError) error = NULL;
    BerthFault fault;

    berth_outer_box_enter();
    if (!berth_host_enter(&fault))
        fprintf(stderr, "%s\n", fault.text);
    else if (!berth_connection_undo(id, pid, BERTH_DIRECTORY_FD, &error))
        fprintf(stderr, "%s\n", error->message);
    else
        return EXIT_SUCCESS;
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    if (argc < 4)
        return EXIT_FAILURE;
    berth_peer_begin("berth-network");
    pid_t pid = (pid_t)g_ascii_strtoll(argv[3], NULL, 10);
    return g_str_equal(argv[1], "connect") ? connect_container(argv[2], pid)
                                           : disconnect_container(argv[2], pid);
}
