/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The objects that clients are making, by client and name, and the calls about them that came
 * meanwhile: so a client need not wait for one call before it sends the next. Used by
 * authorization.c alone.
 */

#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef struct BerthCreations BerthCreations;

/* Called for each call that awaits an object, in the order in which they came, once that is made or
 * cannot be made. */
typedef void (*BerthCreationSettled)(sd_bus_message *call, const char *name, bool made,
                                     void *userdata);

BerthCreations *berth_creations_new(sd_event *event, BerthCreationSettled settled, void *userdata);
void berth_creations_free(BerthCreations *creations);

/* The client of the call makes an object of this name, until each begin has its end; any of them
 * may tell that it is made. A name "" is no name. */
void berth_creations_begin(BerthCreations *creations, sd_bus_message *call, const char *name);
void berth_creations_end(BerthCreations *creations, sd_bus_message *call, const char *name,
                         bool made);

/* Calls await it. */
bool berth_creations_is_awaited(const BerthCreations *creations, sd_bus_message *call,
                                const char *name);
bool berth_creations_has(const BerthCreations *creations, sd_bus_message *call, const char *name);
/* The call awaits the object, which is being made. */
void berth_creations_await(BerthCreations *creations, sd_bus_message *call, const char *name);
