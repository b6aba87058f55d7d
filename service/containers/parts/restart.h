/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* In the record's extra, t: how many restarts there may be; none if there is no limit. */
#define BERTH_RESTART_LIMIT "RestartLimit"

/* Starts a container again when it has ended, as its restart policy says. */
extern const BerthPart berth_restart_part;

/* Its policy does not apply any more, until it is started again. */
void berth_container_forbid_restart(BerthContainer *container);
/* How often its policy has started it again since a client did. */
unsigned berth_container_count_restarts(const BerthContainer *container);
/* Whether one is planned. */
bool berth_container_is_restarting(const BerthContainer *container);
/* A restart that is planned does not happen. */
void berth_container_cancel_restart(BerthContainer *container);
