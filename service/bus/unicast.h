/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Signals, each to one client, and only if polkit allows that client to know of the object at that
 * moment: a changed rule applies from the next signal on. They arrive in the order in which they
 * are sent here. Berth broadcasts nothing.
 *
 * The bus does not say which clients listen. Signals of images and contents go to clients that have
 * looked at these (berth_unicast_note), until they leave the bus: a proxy does so when it is made.
 */

#pragma once

#include "bus/service.h"

typedef struct BerthUnicast BerthUnicast;

BerthUnicast *berth_unicast_new(BerthService *service);
void berth_unicast_free(BerthUnicast *unicast);

/* The right that a client needs for a signal: an action, without its prefix, with the detail
 * key=value for the object. action NULL: none, since the object is the client's own. */
typedef struct {
    const char *action, *key, *value;
} BerthSignalRight;

/* Takes signal over, and sets its destination. polkit is not asked about root. */
void berth_unicast_send(BerthUnicast *unicast, const char *client, sd_bus_message *signal,
                        const BerthSignalRight *right);

/* For a signal to many clients, called for each in turn: whether it is among the first 16 of its
 * user, or root's. users is empty before the first, and counts them. */
bool berth_unicast_count_client(GHashTable *users, uint32_t uid);

/* A client has called this member. If it is one of those that read something, the client gets
 * the signals of that interface from now on. */
void berth_unicast_note(BerthUnicast *unicast, const char *interface, const char *member,
                        const char *client);
/* Sends the signal to all clients that get those of this interface. make returns a new signal for
 * each of them, or NULL. */
typedef sd_bus_message *(*BerthSignalMake)(BerthService *service, const void *data);
void berth_unicast_tell(BerthUnicast *unicast, const char *interface, BerthSignalMake make,
                        const void *data, const BerthSignalRight *right);

/* A client has left the bus. */
void berth_unicast_forget(BerthUnicast *unicast, const char *client);
