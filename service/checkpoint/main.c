/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-checkpoint: writes what runs in a container to disk and brings it back, by CRIU.
 *
 *   berth-checkpoint dump ID go-on|end -
 *   berth-checkpoint restore ID OUTPUT ERROR     as berth-launch create
 *
 * Descriptors are those of launch/peer.h; for a dump, in the place of the snapshots, a pidfd of the
 * container's first process. It answers 'K' when a dump is done. To restore it is the process that
 * berthd puts into the container's scope ('P'), and once that has happened ('g') becomes CRIU,
 * which makes the restored processes siblings of its own: children of berthd. Another process of it
 * stays to say which they are ('R'); they go on if berthd has written that down ('g').
 */

#include "base/fd.h"
#include "checkpoint/checkpoint.h"
#include "launch/outer-box.h"
#include "launch/outside.h"
#include "launch/peer.h"
#include "launch/trees.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>

static int write_dump(const BerthPlan *plan, const char *id, bool leave_running) {
    const BerthDump dump = {
        .plan = plan,
        .id = id,
        .pid = berth_outside_read_pid(BERTH_SNAPSHOTS_FD),
        .leave_running = leave_running,
    };
    g_autoptr(GError) error = NULL;

    if (dump.pid <= 0)
        berth_fail("container", NULL, "its first process has ended", BERTH_EXIT_LAUNCH);
    if (!berth_checkpoint_check(plan, &error) || !berth_checkpoint_dump(&dump, &error)) {
        if (error->code != BERTH_ERROR_UNSUPPORTED)
            berth_fail_with("checkpoint", error);
        berth_peer_send(BERTH_SOCKET_FD, BERTH_LAUNCH_UNSUPPORTED, error->message, -1);
        return EXIT_FAILURE;
    }
    berth_peer_send(BERTH_SOCKET_FD, BERTH_LAUNCH_DONE, NULL, -1);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;

    if (argc != 5 || fcntl(BERTH_CONFIG_FD, F_GETFD) < 0)
        return BERTH_EXIT_LAUNCH;
    prctl(PR_SET_NAME, "berth-checkpoin", 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    berth_peer_open_streams();
    BerthPlan *plan = berth_plan_read(BERTH_CONFIG_FD, &error);
    if (!plan)
        berth_fail_with("configuration", error);
    bool dumps = g_str_equal(argv[1], "dump");
    /* What is restored inherits what CRIU has: a filter of ours would be the container's for ever,
     * and what the container may have is not to be lost. */
    berth_outer_box_drop(dumps ? 0 : plan->bounding);
    if (dumps) {
        berth_outer_box_filter();
        return write_dump(plan, argv[2], g_str_equal(argv[3], "go-on"));
    }
    const BerthRestore restore = {
        .plan = plan,
        .id = argv[2],
        .output_to_journal = g_str_equal(argv[3], "journal"),
        .error_to_journal = g_str_equal(argv[4], "journal"),
    };
    berth_checkpoint_restore(&restore);
}
