/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Programs of the service that work on a container and may take as long as they need: copying,
 * checkpointing, writing limits. While one works, a stopped container is not started, renamed or
 * deleted.
 */

#pragma once

#include "containers/core/launch.h"
#include "containers/core/part.h"

extern const BerthPart berth_helpers_part;

/* Starts one. The caller fills in program, name, mode, arguments and streams of the request, and
 * target and snapshots if they are not those of a start (-1). activity completes "container X is
 * being …". done is called once, unless false is returned; a caller that leaves cancels it
 * (base/operation.h). */
bool berth_helper_start(BerthContainer *container, const BerthLaunchRequest *request,
                        const char *activity, BerthContainerDone done, void *userdata,
                        GError **error);

bool berth_helpers_are_at_work(const BerthContainer *container);
/* Busy while one works that completes "being …" in this way. */
bool berth_helpers_check_none(const BerthContainer *container, const char *activity,
                              GError **error);
/* Ends those of this container; each reports the error once it is gone. */
void berth_helpers_cancel(BerthContainer *container, const GError *error);
