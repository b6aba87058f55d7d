/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The objects that clients are creating, by client and name, and the calls about them that have
 * arrived in the meantime: a client does not have to wait for one call before it sends the next.
 * Used only by authorization.c.
 */

#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef struct BerthCreations BerthCreations;

/* Called for each call that waits for an object, in the order of arrival, once the object has been
 * created or creating it has failed. */
typedef void (*BerthCreationSettled)(sd_bus_message *call, const char *name, bool made,
                                     void *userdata);

/* settled runs in an iteration of this loop that follows the end of a creation. */
BerthCreations *berth_creations_new(sd_event *event, BerthCreationSettled settled, void *userdata);
void berth_creations_free(BerthCreations *creations);

/* Notes that the call's client is creating an object of this name, until each begin has been
 * matched by an end; each end may report that the object exists. An empty name is ignored. */
void berth_creations_begin(BerthCreations *creations, sd_bus_message *call, const char *name);
void berth_creations_end(BerthCreations *creations, sd_bus_message *call, const char *name,
                         bool made);

/* Whether calls wait for the object. */
bool berth_creations_is_awaited(const BerthCreations *creations, sd_bus_message *call,
                                const char *name);
/* Whether the client of the call is creating an object of this name, or has just done so. */
bool berth_creations_has(const BerthCreations *creations, sd_bus_message *call, const char *name);
/* Makes the call wait for the object, which is being created. */
void berth_creations_await(BerthCreations *creations, sd_bus_message *call, const char *name);
