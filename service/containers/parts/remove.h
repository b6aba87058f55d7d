/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Removes containers, on request or when one with AutoRemove= ends. */
extern const BerthPart berth_remove_part;

/* Removes the container and reports its last exit; immediately if nothing is running in it.
 * FailedPrecondition while it is running, unless force is set, which kills it and cancels
 * everything that has begun in it. */
void berth_container_remove(BerthContainer *container, bool force, BerthContainerExited removed,
                            void *userdata);
/* Removes it from the event loop once nothing is running in it. From now on, nothing can be started
 * in it. */
void berth_container_remove_soon(BerthContainer *container);
/* Busy if it is being removed. */
bool berth_container_check_kept(const BerthContainer *container, GError **error);
