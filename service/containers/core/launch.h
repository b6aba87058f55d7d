/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A run of berth-launch as berthd sees it, from the clone until the process has become the command.
 * The owner of a launch knows what the process is for; the launch only knows how the process is
 * brought up.
 */

#pragma once

#include "containers/core/launcher.h"

#include <sys/types.h>

typedef struct BerthLaunch BerthLaunch;

/* For a helper, only done is called. */
typedef struct {
    /* The process exists and waits for the go-ahead. The callee takes over the pidfd. */
    void (*process_created)(BerthLaunch *launch, pid_t pid, int pidfd, void *userdata);
    /* The process passed to process_created has restored this one, which must be recorded and given
     * a second go-ahead. The callee takes over the pidfd. */
    void (*restored)(BerthLaunch *launch, pid_t pid, int pidfd, void *userdata);
    /* The master of the process's terminal, which the callee takes over. */
    void (*terminal)(int master, void *userdata);
    /* The process has become the command, or the launch has failed (LaunchFailed, naming the step).
     * The launch is freed when this returns. */
    void (*done)(const GError *error, void *userdata);
} BerthLaunchCallbacks;

/* Starts a launch. Returns NULL with error set if it fails immediately. */
BerthLaunch *berth_launch_new(const BerthLaunchRequest *request,
                              const BerthLaunchCallbacks *callbacks, void *userdata,
                              GError **error);
/* Frees the launch without calling back. A launcher that has no go-ahead yet sees its socket close,
 * and exits. */
void berth_launch_free(BerthLaunch *launch);

/* Sends the go-ahead. The process must be in its cgroup and recorded by then. */
bool berth_launch_send_go_ahead(BerthLaunch *launch, GError **error);

/* Aborts the launch for this reason, unless the launcher has reported one of its own. done is
 * called once the process is gone. */
void berth_launch_fail(BerthLaunch *launch, const GError *reason);

/* Reports that the process has ended; done is called. */
void berth_launch_set_exited(BerthLaunch *launch, int status);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthLaunch, berth_launch_free)
