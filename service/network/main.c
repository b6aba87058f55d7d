/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-network: connects a container to a network and disconnects it (network/connections.h). It
 * reads JSON documents of the administrator and of plugins, which berth-launch does not.
 *
 *   berth-network connect ID PID       run by berth-launch, in the host's mount namespace, with the
 *                                      descriptors of the launch protocol; reports a failure
 *                                      directly to berthd, and exits with status 125 in that case
 *   berth-network join ID PID KEY      run by berthd for a running container; sends DONE
 *   berth-network leave ID PID KEY
 *                                      these three have a pidfd of the container's first process in
 *                                      place of the snapshots
 *   berth-network disconnect KEY PID   run by berthd, with networks/ in place of the container's
 *                                      directory; writes a failure to standard error
 *   berth-network renew - -            run by berthd in the same way when the host's firewall has
 *                                      been reloaded: restores the rules of all connections
 */

#include "bare/launch-protocol.h"
#include "bare/pidfd.h"
#include "bare/setup.h"
#include "base/fd.h"
#include "launch/host.h"
#include "launch/outer-sandbox.h"
#include "launch/peer.h"
#include "network/connections.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The plugins and their data belong to the host. */
static int disconnect_container(const char *id, pid_t pid) {
    g_autoptr(GError) error = NULL;
    BerthFault fault;

    berth_outer_sandbox_enter();
    if (!berth_host_enter(&fault))
        fprintf(stderr, "%s\n", fault.text);
    else if (!berth_connections_undo(id, pid, BERTH_DIRECTORY_FD, &error))
        fprintf(stderr, "%s\n", error->message);
    else
        return EXIT_SUCCESS;
    return EXIT_FAILURE;
}

static int renew_rules(void) {
    g_autoptr(GError) error = NULL;
    BerthFault fault;

    berth_outer_sandbox_enter();
    if (!berth_host_enter(&fault))
        fprintf(stderr, "%s\n", fault.text);
    else if (!berth_connections_renew(BERTH_DIRECTORY_FD, &error))
        fprintf(stderr, "%s\n", error->message);
    else
        return EXIT_SUCCESS;
    return EXIT_FAILURE;
}

static bool is_running(void) {
    return berth_pidfd_is_running(BERTH_SNAPSHOTS_FD);
}

/* The namespace of a process. The pidfd shows afterwards that its pid has not been reused. */
static int open_namespace(pid_t pid) {
    g_autofree char *path = g_strdup_printf("/proc/%d/ns/net", (int)pid);
    berth_autofd int namespace = open(path, O_RDONLY | O_CLOEXEC);

    return namespace >= 0 && is_running() ? berth_fd_steal(&namespace) : -1;
}

/* The path of a namespace for netavark and plugins, which take no descriptors. It belongs to this
 * process, so that it leads to the same namespace when the process of the container has ended; a
 * path with that process's pid would then lead to the namespace of the next one with this pid,
 * which may be the host's. */
static char *make_path(int namespace) {
    return g_strdup_printf("/proc/%d/fd/%d", (int)getpid(), namespace);
}

static int connect_container(const char *id, pid_t pid) {
    const BerthSetup *setup = berth_peer_map_setup();
    g_autoptr(GError) error = NULL;

    berth_autofd int namespace = open_namespace(pid);
    if (namespace < 0)
        berth_fail("network", NULL, "the container has exited", BERTH_EXIT_LAUNCH);
    g_autofree char *netns = make_path(namespace);
    if (!berth_connections_make(setup, id, pid, netns, BERTH_DIRECTORY_FD, &error))
        berth_fail("network", NULL, error->message, BERTH_EXIT_LAUNCH);
    return EXIT_SUCCESS;
}

/* A container that has ended meanwhile has left all of its networks, or is about to. */
static int change_container(bool join, pid_t pid, const char *key) {
    const BerthSetup *setup = berth_peer_map_setup();
    g_autoptr(GError) error = NULL;
    BerthFault fault;

    berth_outer_sandbox_enter();
    if (!berth_host_enter(&fault))
        berth_fail_with("network", &fault);
    berth_autofd int namespace = open_namespace(pid);
    if (namespace < 0)
        berth_fail("network", NULL, "the container has exited", BERTH_EXIT_LAUNCH);
    g_autofree char *netns = make_path(namespace);
    if (!(join ? berth_connections_join(setup, key, pid, netns, BERTH_DIRECTORY_FD, is_running,
                                        &error)
               : berth_connections_leave(key, pid, netns, BERTH_DIRECTORY_FD, &error)))
        berth_fail("network", NULL, error->message, BERTH_EXIT_LAUNCH);
    berth_peer_send(BERTH_SOCKET_FD, BERTH_LAUNCH_DONE, NULL, -1);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    if (argc < 4)
        return EXIT_FAILURE;
    berth_peer_begin("berth-network");
    pid_t pid = (pid_t)g_ascii_strtoll(argv[3], NULL, 10);
    bool join = g_str_equal(argv[1], "join");
    if (join || g_str_equal(argv[1], "leave"))
        return argc < 5 ? EXIT_FAILURE : change_container(join, pid, argv[4]);
    if (g_str_equal(argv[1], "renew"))
        return renew_rules();
    return g_str_equal(argv[1], "connect") ? connect_container(argv[2], pid)
                                           : disconnect_container(argv[2], pid);
}
