/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The two halves of a launch. Outside, as the host's root, everything is prepared that takes the
 * host's rights; inside is the process that becomes the command. They talk through a socket pair:
 *
 *   outside → inside  'm'  the maps of the user namespace are written
 *                     't'  a tree: the root, then what berth_trees_has of the mounts, then devices
 *                     'h'  the hooks of outside have run
 *                     'k'  limits and the like are set
 *   inside → outside  's'  a socket, to be connected to the journal
 *                     'q'  a listener is asked for; 'y' the filter that it answers, once it is
 * loaded 'n'  namespaces and mounts are made (where there are hooks outside) 'l'  set the limits:
 * the word of berthd was heard 'f'  failed; closed without it: the command runs
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
