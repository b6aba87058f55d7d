/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Programs of the service that work on a container and may take as long as they need: copying,
 * checkpointing, writing limits. While one is at work on a stopped container, the container cannot
 * be started, renamed or deleted.
 */

#pragma once

#include "containers/core/launch.h"
#include "containers/core/part.h"

extern const BerthPart berth_helpers_part;

/* Starts a helper. The caller fills in program, name, mode, arguments and streams of the request,
 * and also target and snapshots unless a start's are right (-1). activity completes the message
 * "container X is being …". done is called once, unless false is returned. If the calling client
 * disconnects, the helper is cancelled (base/operation.h). */
bool berth_helper_start(BerthContainer *container, const BerthLaunchRequest *request,
                        const char *activity, BerthContainerDone done, void *userdata,
                        GError **error);

bool berth_helpers_are_at_work(const BerthContainer *container);
/* Busy if a helper with this activity is at work. */
bool berth_helpers_check_none(const BerthContainer *container, const char *activity,
                              GError **error);
/* Ends the helpers of this container. Each reports the error once it is gone. */
void berth_helpers_cancel(BerthContainer *container, const GError *error);
