/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A launcher: a program that berthd clones on behalf of a container, with the descriptors and
 * arguments described in bare/launch-protocol.h. containers/core/launch.h reads what it reports.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef enum {
    BERTH_LAUNCH_START,   /* creates a process that becomes the command, within a time limit */
    BERTH_LAUNCH_RESTORE, /* creates a process that restores another one */
    BERTH_LAUNCH_HELPER,  /* does its work and reports when it is done */
} BerthLaunchKind;

typedef struct {
    sd_event *event;
    int program;              /* from berth_launcher_open_program() */
    const char *name;         /* of the program; NULL for berth-launch */
    const char *mode, *id;    /* "create", "exec"…; the container's id */
    int input, output, error; /* -1: /dev/null for input, the journal for the others */
    const char *words;        /* in place of error, a pipe whose contents are logged as those of
                               * berth-WORDS (worker/worker-words.h); NULL: none */
    const int *descriptors;   /* additional ones, numbered from 3 */
    unsigned descriptor_count;
    const char *const *descriptor_names; /* of those, without colons; NULL-terminated */
    int config;                          /* the set-up (containers/core/setup.h) */
    int target;               /* the container's directory, or a pidfd of its first process */
    uint32_t pid;             /* only for "disconnect"; otherwise 0 */
    const char *arguments[2]; /* follow the id; if NULL, "journal" or "-" for output and error */
    BerthLaunchKind kind;
    int snapshots; /* -1 for exec */
    int secrets;   /* for a start; -1 for none */
    int pod;       /* for a start (containers/core/pod.h); -1 for none */
    int cgroup;    /* to clone the process into; -1 with a scope, and for exec */
} BerthLaunchRequest;

/* Sets the descriptors that only a start needs to "none"; a start sets its own afterwards. Every
 * request must have this in its initialiser, since a member that is left out would be 0, berthd's
 * own descriptor. */
#define BERTH_LAUNCH_NO_DESCRIPTORS .secrets = -1, .pod = -1, .cgroup = -1

/* Opens a program through a private read-only mount: a process in a container that reaches the
 * program as /proc/self/exe cannot write to it, whatever its privileges. The caller owns the
 * descriptor. */
int berth_launcher_open_program(const char *name, GError **error);

/* Runs berth-network on a container that does not wait for it, with the directory networks/; mode
 * is "disconnect" (the connections that id had as process pid) or "renew" (id "-", pid 0). It
 * reports nothing but its exit. The caller owns the pidfd, even after an error. */
bool berth_launcher_spawn_network(sd_event *event, const char *mode, const char *id, uint32_t pid,
                                  int networks, int *pidfd, GError **error);

/* Runs the hooks of a deleted container, whose directory this is, without reporting a result.
 * program is berth-launch. */
bool berth_launcher_spawn_poststop_hooks(sd_event *event, int program, const char *id,
                                         int directory, GError **error);

/* Clones the launcher. The caller owns the pidfd, even after an error. */
bool berth_launcher_spawn(const BerthLaunchRequest *request, int socket, int *pidfd,
                          GError **error);
