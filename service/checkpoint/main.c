/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-checkpoint: writes the processes of a container to disk and restores them, using CRIU.
 *
 *   berth-checkpoint dump ID go-on|end -
 *   berth-checkpoint restore ID OUTPUT ERROR     as berth-launch create
 *
 * Descriptors and messages are those of bare/launch-protocol.h. For a restore, berthd puts this
 * process into the container's scope. After the go-ahead the process becomes CRIU, which creates
 * the restored processes as its siblings, that is, as children of berthd. A fork of this process
 * stays to report them; they continue once berthd has recorded that.
 */

#include "base/fd.h"
#include "checkpoint/checkpoint.h"
#include "launch/namespaces.h"
#include "launch/outer-sandbox.h"
#include "launch/peer.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>

static int write_dump(const BerthSetup *setup, const char *id, bool leave_running) {
    const BerthDump dump = {
        .setup = setup,
        .id = id,
        .pid = berth_pid_read_pidfd(BERTH_SNAPSHOTS_FD),
        .leave_running = leave_running,
    };
    g_autoptr(GError) error = NULL;

    if (dump.pid <= 0)
        berth_fail("container", NULL, "its first process has ended", BERTH_EXIT_LAUNCH);
    if (!berth_checkpoint_check(setup, &error) || !berth_checkpoint_dump(&dump, &error)) {
        if (error->code != BERTH_ERROR_UNSUPPORTED)
            berth_fail("checkpoint", NULL, error->message, BERTH_EXIT_LAUNCH);
        berth_peer_send(BERTH_SOCKET_FD, BERTH_LAUNCH_UNSUPPORTED, error->message, -1);
        return EXIT_FAILURE;
    }
    berth_peer_send(BERTH_SOCKET_FD, BERTH_LAUNCH_DONE, NULL, -1);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    if (argc != 5 || fcntl(BERTH_CONFIG_FD, F_GETFD) < 0)
        return BERTH_EXIT_LAUNCH;
    berth_peer_begin("berth-checkpoint");
    berth_peer_open_streams();
    const BerthSetup *setup = berth_peer_map_setup();
    bool dumps = g_str_equal(argv[1], "dump");
    /* CRIU gets no filter. For a dump it suspends the filters of the processes, which the kernel
     * allows only to a tracer without a filter (PTRACE_O_SUSPEND_SECCOMP in ptrace(2)); restored
     * processes would inherit a filter permanently. For a restore it needs all capabilities that
     * the container may have, and one to set the clock offsets of a time namespace
     * (time_namespaces(7)); it drops from the processes' bounding sets what they did not have. */
    berth_outer_sandbox_drop(dumps ? 0 : setup->bounding | UINT64_C(1) << CAP_SYS_TIME);
    if (dumps)
        return write_dump(setup, argv[2], g_str_equal(argv[3], "go-on"));
    const BerthRestore restore = {
        .setup = setup,
        .id = argv[2],
        .output_to_journal = g_str_equal(argv[3], "journal"),
        .error_to_journal = g_str_equal(argv[4], "journal"),
    };
    berth_checkpoint_restore(&restore);
}
