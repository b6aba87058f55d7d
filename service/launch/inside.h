/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The inner process of a launch, which becomes the command. The outer one (launch/outside.h) keeps
 * the host's rights and takes the steps that need them. bare/launch-protocol.h has the messages
 * between them.
 */

#pragma once

#include "bare/setup.h"

/* One for each kind. */
enum { BERTH_INSIDE_MAX_NAMESPACES = 8 };

typedef struct {
    const BerthSetup *setup;
    BerthFilterProgram filter;
    bool output_to_journal, error_to_journal;
    /* Descriptors of the set-up's namespaces that have a path, -1 for the others. */
    int joined[BERTH_INSIDE_MAX_NAMESPACES];
    int peer;
    unsigned descriptor_count; /* of the command's, from BERTH_FIRST_FREE_FD on */
    const char *descriptor_names;
} BerthInside;

/* For the container's first process. */
_Noreturn void berth_inside_run(const BerthInside *inside);

/* For another one: init is a pidfd of the first, flags the namespaces of it to enter. */
_Noreturn void berth_inside_join(const BerthInside *inside, int init, int flags);

/* Joins a new session keyring (session-keyring(7)): the service's must not be reachable from the
 * container. */
void berth_inside_join_keyring(void);

/* Whether a device of the set-up needs more than the container's own /dev. */
bool berth_inside_has_loose_device(const BerthSetup *setup, const BerthDevice *device);
