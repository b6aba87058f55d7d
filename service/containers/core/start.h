/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starting a process: the first one of a container, one restored from a checkpoint, or an
 * additional one.
 */

#pragma once

#include "containers/core/object.h"

/* Checks whether the container may be started or restored now. An operation in progress on it, or
 * the limits of its owner, may forbid it. */
bool berth_start_check(const BerthContainer *container, GError **error);

/* Restores a container from its checkpoint after berth_start_check() has succeeded. program is an
 * open berth-checkpoint. done is called once, possibly before this returns. */
void berth_start_restore(BerthContainer *container, int program,
                         const BerthContainerStreams *streams, BerthContainerDone done,
                         void *userdata);
/* Starts a process that has just been added to its container. config is the set-up, with this
 * process in it. If the process is never created, it is removed from the container again. */
void berth_start_exec(BerthProcess *process, int config, const BerthContainerStreams *streams,
                      BerthContainerDone done, void *userdata);
