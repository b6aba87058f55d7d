/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a process: a container's first one, one from a checkpoint, or a further one. */

#pragma once

#include "containers/core/object.h"

/* Whether the container may be started or restored now. An operation that is under way on it, or
 * its owner's limits, may forbid it. */
bool berth_start_check(const BerthContainer *container, GError **error);

/* Starts a container that berth_start_check() has let pass from its checkpoint; program is
 * berth-checkpoint, opened. done is called once, perhaps from here. */
void berth_start_restore(BerthContainer *container, int program,
                         const BerthContainerStreams *streams, BerthContainerDone done,
                         void *userdata);
/* Starts a process that was just added to its container; config: the configuration, with this
 * process in it. If the process never begins, it is removed again. */
void berth_start_exec(BerthProcess *process, int config, const BerthContainerStreams *streams,
                      BerthContainerDone done, void *userdata);
