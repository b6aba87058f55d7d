/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The inner process of a launch, which becomes the command. The outer one (launch/outside.h) keeps
 * the host's rights and does what takes them. base/launch-protocol.h has what they say to each
 * other.
 */

#pragma once

#include "plan/plan.h"

typedef struct {
    const BerthPlan *plan;
    const char *id;
    bool output_to_journal, error_to_journal;
    int *joined; /* descriptors of plan->namespaces that have a path, -1 for the others */
    int peer;
    unsigned descriptor_count; /* of the command's, from BERTH_FIRST_FREE_FD on */
    const char *descriptor_names;
} BerthInside;

/* For the container's first process. */
G_GNUC_NORETURN void berth_inside_run(const BerthInside *inside);

/* For another one: init is a pidfd of the first, flags the namespaces of it to enter. */
G_GNUC_NORETURN void berth_inside_join(const BerthInside *inside, int init, int flags);

/* Whether devices of the plan need more than the container's own /dev. */
bool berth_inside_has_loose_device(const BerthPlan *plan, const BerthPlanDevice *device);
/* Whether something is done outside once the namespaces are there: hooks, networks. */
bool berth_inside_waits_for_hooks(const BerthPlan *plan);
