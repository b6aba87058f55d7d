/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes of a container's record, and their events. */

#pragma once

#include "containers/core/object.h"

/* The only way from one state to another: changes the record, writes it together with the event of
 * the transition, and passes the event on. status is used only for BERTH_CONTAINER_STOPPED. The
 * record in memory is changed even if it cannot be written, because the process has changed its
 * state regardless. */
bool berth_container_set_state(BerthContainer *container, BerthContainerState state, int status,
                               GError **error);

/* Writes the record after any other change. event is the kind of an event to record with it, or
 * NULL for none. */
bool berth_container_write(BerthContainer *container, const char *event, GError **error);

/* Records an event that changes nothing in the record, and passes it on. */
void berth_container_add_event(BerthContainer *container, const char *kind);
/* Passes on an event that has been recorded. */
void berth_container_pass_event(BerthContainer *container, uint64_t sequence);
