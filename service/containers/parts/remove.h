/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Removing containers, on request or because they remove themselves when they end. */
extern const BerthPart berth_remove_part;

/* Removes it, and answers its last exit; at once if nothing runs in it. FailedPrecondition while it
 * runs, except with force, which kills it and takes back what has begun in it. */
void berth_container_remove(BerthContainer *container, bool force, BerthContainerExited removed,
                            void *userdata);
/* Removes it from the event loop, once nothing runs in it; nothing is started in it from now on. */
void berth_container_remove_soon(BerthContainer *container);
/* Busy while it is being removed. */
bool berth_container_check_kept(const BerthContainer *container, GError **error);
