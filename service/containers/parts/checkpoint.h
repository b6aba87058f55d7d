/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Checkpoints of containers, made by CRIU. */
extern const BerthPart berth_checkpoint_part;

/* Writes the state of the container's processes to disk. The container ends after that unless
 * leave_running is set. Unsupported without CRIU. */
void berth_container_checkpoint(BerthContainer *container, bool leave_running,
                                BerthContainerDone done, void *userdata);
/* Starts the container in the state of its last checkpoint. */
void berth_container_restore(BerthContainer *container, const BerthContainerStreams *streams,
                             BerthContainerDone done, void *userdata);
/* When its last checkpoint was written, in µs; 0 if there is none. */
uint64_t berth_checkpoint_find(const BerthContainer *container);
