/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A berth-launch as berthd sees it: from cloning it until its process has become the command. Its
 * owner knows what the process is for; a launch knows how it comes to life.
 */

#pragma once

#include "containers/core/launcher.h"

#include <sys/types.h>

typedef struct BerthLaunch BerthLaunch;

/* For a helper only done is called. */
typedef struct {
    /* The process is there, and waits. The pidfd is the callee's. */
    void (*born)(BerthLaunch *launch, pid_t pid, int pidfd, void *userdata);
    /* What was born has brought back this process, which is to be recorded and given the go-ahead
     * once more. The pidfd is the callee's. */
    void (*restored)(BerthLaunch *launch, pid_t pid, int pidfd, void *userdata);
    /* The master of its terminal; the callee's. */
    void (*terminal)(int master, void *userdata);
    /* It has become the command, or it has failed (LaunchFailed, naming the step). The launch is
     * freed when this returns. */
    void (*done)(const GError *error, void *userdata);
} BerthLaunchCallbacks;

/* Starts it; NULL with error if that fails at once. */
BerthLaunch *berth_launch_new(const BerthLaunchRequest *request,
                              const BerthLaunchCallbacks *callbacks, void *userdata,
                              GError **error);
/* Frees it without a callback. A launcher without the go-ahead sees its socket close, and ends. */
void berth_launch_free(BerthLaunch *launch);

/* Sends the go-ahead: the process is where it belongs, and is recorded. */
bool berth_launch_send_go_ahead(BerthLaunch *launch, GError **error);

/* Gives it up with this reason, unless it has one of its own; done is called when the process is
 * gone. */
void berth_launch_fail(BerthLaunch *launch, const GError *reason);

/* Its process has ended: done is called. */
void berth_launch_set_exited(BerthLaunch *launch, int status);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthLaunch, berth_launch_free)
