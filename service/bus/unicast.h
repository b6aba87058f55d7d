/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Signals, each to one client, and only if polkit lets that client know of it at that moment: so a
 * rule that changes counts from the next signal on. They arrive in the order in which they are
 * given here. Nothing of Berth is broadcast.
 *
 * D-Bus does not tell who listens. Signals of images and contents go to clients that have looked at
 * these (berth_unicast_note), until they leave the bus: a proxy does so when it is made.
 */

#pragma once

#include "bus/service.h"

typedef struct BerthUnicast BerthUnicast;

BerthUnicast *berth_unicast_new(BerthService *service);
void berth_unicast_free(BerthUnicast *unicast);

/* What a client needs for a signal: an action, without its prefix, about the object that key and
 * value name. action NULL: nothing, since it concerns what is the client's own. */
typedef struct {
    const char *action, *key, *value;
} BerthSignalRight;

/* Takes signal over, whose destination is set here. root is not asked about. */
void berth_unicast_send(BerthUnicast *unicast, const char *client, sd_bus_message *signal,
                        const BerthSignalRight *right);

/* A client has called this member; whether it is one that makes it a client that is told. */
void berth_unicast_note(BerthUnicast *unicast, const char *interface, const char *member,
                        const char *client);
/* Sends copies to all clients that are told of this interface. make: a new signal, or NULL. */
typedef sd_bus_message *(*BerthSignalMake)(BerthService *service, const void *data);
void berth_unicast_tell(BerthUnicast *unicast, const char *interface, BerthSignalMake make,
                        const void *data, const BerthSignalRight *right);

/* A client has left the bus. */
void berth_unicast_forget(BerthUnicast *unicast, const char *client);
/* Clients that are told of something, for which the service stays. */
unsigned berth_unicast_count(BerthUnicast *unicast);
