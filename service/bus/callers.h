/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The clients on the bus whose credentials are known: the bus is asked about each once
 * (GetConnectionCredentials), and says when it leaves (NameOwnerChanged). Owned by BerthAccess.
 */

#pragma once

#include "bus/caller.h"

typedef struct BerthCallers BerthCallers;

/* Called when a client has left the bus. It is known until berth_callers_forget(). */
typedef void (*BerthPeerLeft)(const char *peer, void *userdata);

BerthCallers *berth_callers_new(sd_bus *bus, BerthPeerLeft left, void *userdata, GError **error);
void berth_callers_free(BerthCallers *callers);

/* The answer of the bus about a client; NULL: it has not been asked, or has not answered. */
const BerthCaller *berth_callers_find(BerthCallers *callers, const char *client);

/* Asks the bus; answered gets its reply and hands it to berth_callers_learn(). Negative errno. */
int berth_callers_ask(BerthCallers *callers, sd_bus_slot **slot, const char *client,
                      sd_bus_message_handler_t answered, void *userdata);
/* false: the bus does not know whose connection it is. */
bool berth_callers_learn(BerthCallers *callers, const char *client, sd_bus_message *reply);
void berth_callers_forget(BerthCallers *callers, const char *client);
