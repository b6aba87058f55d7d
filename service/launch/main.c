/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-launch: makes the process that becomes a container's command. It is two processes: this
 * one, with the host's rights, and one inside, see inside.h. The inner one sets everything up while
 * systemd makes the scope, waits for the word that it is there, and executes. A step that fails is
 * reported through the socket, in words; the inner process then ends with 127 for a command that is
 * not found, 126 for one that cannot be executed, 125 for everything else.
 *
 *   berth-launch create ID OUTPUT ERROR [NAMES]   the container's first process
 *   berth-launch exec ID OUTPUT ERROR [NAMES]     another one
 *   berth-launch poststop ID                the hooks of that stage
 *   berth-launch disconnect ID PID          from the network that it was in as PID
 *
 * OUTPUT and ERROR are "journal", or "-" for the descriptors that are there. NAMES are those of the
 * further descriptors that the command is to have, with colons between them.
 */

#include "base/envelope.h"
#include "base/fd.h"
#include "launch/cni.h"
#include "launch/hooks.h"
#include "launch/outer-box.h"
#include "launch/outside.h"
#include "launch/peer.h"
#include "launch/trees.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

static int run_poststop(const BerthPlan *plan, const char *id) {
    g_autoptr(GError) error = NULL;

    berth_outer_box_enter();
    return berth_trees_enter_host(&error) &&
                   berth_hooks_run(plan, BERTH_HOOK_POSTSTOP, id, "stopped", 0, &error)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

static int disconnect(const char *id, const char *pid) {
    g_autoptr(GError) error = NULL;

    berth_outer_box_enter();
    if (berth_trees_enter_host(&error) &&
        berth_cni_delete(id, (pid_t)g_ascii_strtoll(pid, NULL, 10), BERTH_DIRECTORY_FD, &error))
        return EXIT_SUCCESS;
    fprintf(stderr, "%s\n", error->message);
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;

    if (argc < 3 || fcntl(BERTH_CONFIG_FD, F_GETFD) < 0)
        return BERTH_EXIT_LAUNCH;
    /* The file was executed by descriptor, which is then its name. */
    prctl(PR_SET_NAME, "berth-launch", 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    berth_peer_open_streams();
    if (g_str_equal(argv[1], "disconnect") && argc > 3)
        return disconnect(argv[2], argv[3]);
    BerthPlan *plan = berth_plan_read(BERTH_CONFIG_FD, &error);
    if (!plan)
        berth_fail_with("configuration", error);
    if (g_str_equal(argv[1], "poststop"))
        return run_poststop(plan, argv[2]);
    if (argc != 5 && argc != 6)
        return BERTH_EXIT_LAUNCH;
    g_auto(GStrv) names = argc > 5 ? g_strsplit(argv[5], ":", -1) : NULL;
    unsigned count = names ? g_strv_length(names) : 0;
    if (!berth_envelopes_open(BERTH_FIRST_FREE_FD, count))
        berth_fail_errno("descriptors", NULL);
    for (unsigned i = 0; i < count; i++)
        if (fcntl(BERTH_FIRST_FREE_FD + (int)i, F_SETFD, FD_CLOEXEC) < 0)
            berth_fail_errno("descriptors", names[i]);
    BerthInside inside = {
        .plan = plan,
        .id = argv[2],
        .output_to_journal = g_str_equal(argv[3], "journal"),
        .error_to_journal = g_str_equal(argv[4], "journal"),
        .peer = -1,
        .descriptor_count = count,
        .descriptor_names = count > 0 ? argv[5] : NULL,
    };
    if (g_str_equal(argv[1], "exec"))
        berth_outside_exec(&inside, BERTH_DIRECTORY_FD);
    berth_outside_create(&inside);
}
