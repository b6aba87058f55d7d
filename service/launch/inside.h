/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The inner process of a launch, which becomes the command. The outer process (launch/outside.h)
 * keeps the host's privileges and takes the steps that need them. bare/launch-protocol.h defines
 * the messages between the two.
 */

#pragma once

#include "bare/setup.h"

/* One of each type. */
enum { BERTH_INSIDE_MAX_NAMESPACES = 8 };

typedef struct {
    const BerthSetup *setup;
    BerthFilterProgram filter;
    bool output_to_journal, error_to_journal;
    /* For each namespace of the set-up, the descriptor of the one to join, or -1 if it is new. */
    int joined[BERTH_INSIDE_MAX_NAMESPACES];
    int peer;
    unsigned descriptor_count; /* for the command, from BERTH_FIRST_FREE_FD on */
    const char *descriptor_names;
} BerthInside;

/* Runs as the container's first process. */
_Noreturn void berth_inside_run(const BerthInside *inside);

/* Runs as an additional process. first and init are the PID and a pidfd of the first process; flags
 * are the namespaces of it to enter. */
_Noreturn void berth_inside_join(const BerthInside *inside, pid_t first, int init, int flags);

/* Joins a new session keyring (session-keyring(7)), since the service's must not be reachable from
 * the container. */
void berth_inside_join_keyring(void);

/* Returns true if a device of the set-up is not part of a /dev that Berth creates for the
 * container. */
bool berth_inside_has_loose_device(const BerthSetup *setup, const BerthDevice *device);
