/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* In the record's extra, t: the maximum number of restarts; absent if there is no limit. */
#define BERTH_RESTART_LIMIT "RestartLimit"

/* Restarts containers that have ended, according to their restart policy. */
extern const BerthPart berth_restart_part;

/* Suspends its restart policy until the next start. */
void berth_container_forbid_restart(BerthContainer *container);
/* The number of restarts by its policy since a client last started it. */
unsigned berth_container_count_restarts(const BerthContainer *container);
/* Returns true if a restart is scheduled. */
bool berth_container_is_restarting(const BerthContainer *container);
/* Cancels a scheduled restart. */
void berth_container_cancel_restart(BerthContainer *container);
