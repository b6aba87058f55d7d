/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Checkpoints of containers, by CRIU. */
extern const BerthPart berth_checkpoint_part;

/* Writes what runs in it to disk; Unsupported without CRIU. The container ends then, unless it is
 * left running. */
void berth_container_checkpoint(BerthContainer *container, bool leave_running,
                                BerthContainerDone done, void *userdata);
/* Starts it where its last checkpoint left it. */
void berth_container_restore(BerthContainer *container, const BerthContainerStreams *streams,
                             BerthContainerDone done, void *userdata);
/* When its last checkpoint was written, in µs; 0 without one. */
uint64_t berth_checkpoint_find(const BerthContainer *container);
