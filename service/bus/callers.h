/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The clients on the bus whose credentials are known. The bus is asked about each client once
 * (GetConnectionCredentials), and it announces when the client leaves (NameOwnerChanged). Owned by
 * BerthAccess.
 */

#pragma once

#include "bus/caller.h"

typedef struct BerthCallers BerthCallers;

/* Called when a client has left the bus. The client remains known until berth_callers_forget(). */
typedef void (*BerthPeerLeft)(const char *peer, void *userdata);

/* left is called for each client that leaves the bus. Returns NULL with error set if the bus cannot
 * be watched. */
BerthCallers *berth_callers_new(sd_bus *bus, BerthPeerLeft left, void *userdata, GError **error);
void berth_callers_free(BerthCallers *callers);

/* Returns the bus's answer about a client; NULL if the bus has not been asked or has not answered
 * yet. */
const BerthCaller *berth_callers_find(BerthCallers *callers, const char *client);

/* Asks the bus about a client. answered is called with the reply and passes it to
 * berth_callers_learn(). Returns a negative errno on failure. */
int berth_callers_ask(BerthCallers *callers, sd_bus_slot **slot, const char *client,
                      sd_bus_message_handler_t answered, void *userdata);
/* Returns false if the bus does not know which user the connection belongs to. */
bool berth_callers_learn(BerthCallers *callers, const char *client, sd_bus_message *reply);
/* Removes a client that has left. */
void berth_callers_forget(BerthCallers *callers, const char *client);
