/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A berth-launch as berthd sees it: from cloning it until its process has become the command. Its
 * owner knows what the process is for; a launch knows how it comes to life.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

typedef struct BerthLaunch BerthLaunch;

typedef struct {
    sd_event *event;
    int program;              /* see berth_launch_open_program */
    const char *name;         /* its name; NULL for berth-launch */
    const char *mode, *id;    /* "create", "exec"…, the container's id */
    int input, output, error; /* -1: /dev/null and the journal */
    const int *descriptors;   /* further ones, from 3 on */
    unsigned descriptor_count;
    const char *const *descriptor_names; /* theirs, none with a colon; ends with NULL */
    int config;                          /* the set-up, containers/core/setup.h */
    int target;               /* the container's directory, or a pidfd of its first process */
    uint32_t pid;             /* for disconnect; 0 */
    const char *arguments[2]; /* after the id; NULL: "journal" or "-" for output and error */
    bool has_no_timeout;      /* it may run for any time, as a restore does */
    bool restores;            /* what is born only makes the process; see restored */
    int snapshots;            /* -1 for exec */
} BerthLaunchRequest;

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

/* A descriptor of the program through a read-only mount of its own: what runs in a container and
 * reaches it as /proc/self/exe cannot write to it, whatever its rights. */
int berth_launch_open_program(const char *name, GError **error);

/* Runs what follows the end of a container, without an answer: "poststop", the hooks of one that is
 * deleted, in its directory; "disconnect", leaving the network that it was in as process
 * pid, in networks/. */
bool berth_launch_afterwards(sd_event *event, int program, const char *mode, const char *id,
                             uint32_t pid, int directory, GError **error);

/* Starts it; NULL with error when that fails at once. */
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
