/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Clients that receive signals about objects: those that have requested all objects of /org/berth1
 * (GetManagedObjects) or all properties of one (GetAll), as the proxies of every D-Bus library do
 * when they are created. They receive signals until they leave the bus. A signal is sent only if
 * polkit allows the client to know about the object at that moment.
 */

#pragma once

#include "bus/objects.h"

typedef struct BerthWatchers BerthWatchers;

BerthWatchers *berth_watchers_new(BerthService *service);
void berth_watchers_free(BerthWatchers *watchers);

/* Records that the client has been shown the object at path. */
void berth_watchers_add(BerthWatchers *watchers, const char *client, const char *path);
/* Records that the client has been shown all objects. others: including those of other users. */
void berth_watchers_add_all(BerthWatchers *watchers, const char *client, bool others);
/* Called when a client has left the bus. */
void berth_watchers_forget(BerthWatchers *watchers, const char *client);
/* Returns the number of clients. */
unsigned berth_watchers_count(BerthWatchers *watchers);

/* Sends InterfacesAdded and InterfacesRemoved to the clients that watch all objects. */
void berth_watchers_send_added(BerthWatchers *watchers, const BerthObject *object);
void berth_watchers_send_removed(BerthWatchers *watchers, const BerthObject *object);
/* changed are properties sent with their values, which are the same for every client; invalidated
 * are those for which only the name is sent. NULL: none. */
void berth_watchers_send_changed(BerthWatchers *watchers, const BerthObject *object,
                                 const char *const *changed, const char *const *invalidated);
/* For properties that name other objects: only clients that may see the one that has appeared in
 * them or left them get the signal. */
void berth_watchers_send_invalidated_by(BerthWatchers *watchers, const BerthObject *object,
                                        const char *const *invalidated, const BerthObject *cause);
