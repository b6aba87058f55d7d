/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A launcher: one of the programs that berthd clones beside itself for a container, with the
 * descriptors and arguments of bare/launch-protocol.h. What it reports is read by
 * containers/core/launch.h.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef enum {
    BERTH_LAUNCH_START,   /* makes a process that becomes the command; within a time */
    BERTH_LAUNCH_RESTORE, /* makes a process that brings another one back */
    BERTH_LAUNCH_HELPER,  /* does its work and reports that it is done */
} BerthLaunchKind;

typedef struct {
    sd_event *event;
    int program;              /* see berth_launcher_open_program */
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
    BerthLaunchKind kind;
    int snapshots; /* -1 for exec */
    int secrets;   /* of a start; -1 for none */
    int pod;       /* of a start: containers/core/pod.h; -1 for none */
    int cgroup;    /* to clone the process into; -1 for a scope's, and for exec */
} BerthLaunchRequest;

/* None of the descriptors that only a start needs, which sets its own afterwards. In the
 * initialiser of every request: one that is left out would be berthd's own 0. */
#define BERTH_LAUNCH_NO_DESCRIPTORS .secrets = -1, .pod = -1, .cgroup = -1

/* A descriptor of the program through a read-only mount of its own: what runs in a container and
 * reaches it as /proc/self/exe cannot write to it, whatever its rights. */
int berth_launcher_open_program(const char *name, GError **error);

/* Runs what follows the end of a container, without an answer: "poststop", the hooks of one that is
 * deleted, in its directory; "disconnect", leaving the network that it was in as process
 * pid, in networks/. */
bool berth_launcher_run_afterwards(sd_event *event, int program, const char *mode, const char *id,
                                   uint32_t pid, int directory, GError **error);

/* Clones it. The pidfd is the caller's, also after an error. */
bool berth_launcher_spawn(const BerthLaunchRequest *request, int socket, int *pidfd,
                          GError **error);
