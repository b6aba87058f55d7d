/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Signals, each to a single client, and only if polkit allows that client to know about the object
 * at that moment: a changed rule applies from the next signal on. They arrive in the order in which
 * they were passed to berth_unicast_send(). Berth broadcasts nothing.
 *
 * The bus does not say which clients listen. Signals about images and contents go to clients that
 * have read any (berth_unicast_add_listener), until they leave the bus: a proxy does this when it
 * is created.
 */

#pragma once

#include "bus/service.h"

typedef struct BerthUnicast BerthUnicast;

/* service is borrowed, and must outlive the object. */
BerthUnicast *berth_unicast_new(BerthService *service);
void berth_unicast_free(BerthUnicast *unicast);

/* The right that a client needs to receive a signal: an action, without its prefix, with key=value
 * as the detail that names the object. If action is NULL, none is needed, since the object is the
 * client's own. */
typedef struct {
    const char *action, *key, *value;
} BerthSignalRight;

/* Takes ownership of signal and sets its destination. polkit is not asked about root. */
void berth_unicast_send(BerthUnicast *unicast, const char *client, sd_bus_message *signal,
                        const BerthSignalRight *right);

/* Used when a signal goes to many clients, once for each: returns whether the client is among the
 * first 16 of its user, or belongs to root. users has the counts, and is empty before the first
 * call. */
bool berth_unicast_count_client(GHashTable *users, uint32_t uid);

/* Called when a client has called this member. If the member reads something, the client receives
 * the signals of that interface from now on. */
void berth_unicast_add_listener(BerthUnicast *unicast, const char *interface, const char *member,
                                const char *client);
/* Sends a signal to all clients that receive those of this interface. make returns a new signal for
 * each of them, or NULL. */
typedef sd_bus_message *(*BerthSignalMake)(BerthService *service, const void *data);
void berth_unicast_send_to_listeners(BerthUnicast *unicast, const char *interface,
                                     BerthSignalMake make, const void *data,
                                     const BerthSignalRight *right);

/* Called when a client has left the bus. */
void berth_unicast_forget(BerthUnicast *unicast, const char *client);
