/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-launch: creates the process that becomes a container's command. It is statically linked
 * against just the C library, and takes its instructions from a set-up that berthd has compiled
 * (bare/setup.h): nothing here parses a document, and little allocates.
 *
 * It consists of two processes: this one, with the host's privileges, and one inside the container
 * (launch/inside.h). The inner process sets everything up while systemd creates the scope, waits
 * for the go-ahead, and executes the command. A step that fails is reported by name through the
 * socket; the inner process then exits with 127 for a command that cannot be found, 126 for one
 * that cannot be executed, and 125 for everything else.
 *
 *   berth-launch create ID OUTPUT ERROR [NAMES]   the container's first process
 *   berth-launch exec ID OUTPUT ERROR [NAMES]     an additional process
 *   berth-launch poststop ID                      the hooks of that stage
 *   berth-launch limits ID VALUES CGROUP NAMES    writes limits of a cgroup (launch/limits.h)
 *
 * OUTPUT and ERROR are "journal", or "-" for the existing descriptors. NAMES are those of the
 * command's additional descriptors, separated by colons.
 */

#include "bare/envelope.h"
#include "bare/fd.h"
#include "launch/filter.h"
#include "launch/hooks.h"
#include "launch/host.h"
#include "launch/limits.h"
#include "launch/outer-sandbox.h"
#include "launch/outside.h"
#include "launch/peer.h"
#include "launch/text.h"

#include <stdio.h>
#include <stdlib.h>

static int run_poststop(const BerthSetup *setup) {
    BerthFault fault;

    berth_outer_sandbox_enter();
    berth_hooks_await_start(setup, BERTH_DIRECTORY_FD);
    return berth_host_enter(&fault) &&
                   berth_hooks_run(setup, BERTH_HOOK_POSTSTOP, "stopped", 0, &fault)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

static unsigned count_names(const char *names) {
    unsigned count = names ? 1 : 0;

    for (; names && *names; names++)
        count += *names == ':';
    return count;
}

/* A client's descriptors arrive in envelopes. They are close-on-exec until the last step, so that
 * only the command gets them. */
static void open_descriptors(unsigned count) {
    if (!berth_envelopes_open(BERTH_FIRST_FREE_FD, count))
        berth_fail_errno("descriptors", NULL);
    for (unsigned i = 0; i < count; i++)
        if (fcntl(BERTH_FIRST_FREE_FD + (int)i, F_SETFD, FD_CLOEXEC) < 0)
            berth_fail_errno("descriptors", NULL);
}

/* The command of a container is this program if its path is /proc/self/exe, which still leads to
 * the launcher when execve(2) looks it up; so is the interpreter of a script that names that path.
 */
static int refuse_to_be_a_command(const char *name) {
    dprintf(STDERR_FILENO, "command %s: it leads to the launcher, not to a program of the image\n",
            name ? name : "");
    return BERTH_EXIT_NOT_EXECUTABLE;
}

int main(int argc, char **argv) {
    if (argc < 3 || fcntl(BERTH_CONFIG_FD, F_GETFD) < 0)
        return refuse_to_be_a_command(argv[0]);
    berth_peer_begin("berth-launch");
    berth_peer_open_streams();
    const BerthSetup *setup = berth_peer_map_setup();
    if (berth_text_is(argv[1], "poststop"))
        return run_poststop(setup);
    if (argc != 5 && argc != 6)
        return BERTH_EXIT_LAUNCH;
    if (berth_text_is(argv[1], "limits"))
        return argc == 6 ? berth_limits_set(argv[5], argv[3], argv[4]) : BERTH_EXIT_LAUNCH;
    BerthInside inside = {
        .setup = setup,
        .output_to_journal = berth_text_is(argv[3], "journal"),
        .error_to_journal = berth_text_is(argv[4], "journal"),
        .peer = -1,
        .descriptor_count = count_names(argc > 5 ? argv[5] : NULL),
        .descriptor_names = argc > 5 ? argv[5] : NULL,
    };
    open_descriptors(inside.descriptor_count);
    berth_launch_filter_find(setup, &inside.filter);
    if (berth_text_is(argv[1], "exec"))
        berth_outside_exec(&inside, BERTH_DIRECTORY_FD);
    berth_outside_create(&inside);
}
