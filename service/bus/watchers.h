/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Clients that get signals about objects: those that have asked for all objects of /org/berth1
 * (GetManagedObjects) or for all properties of one (GetAll), as proxies of every D-Bus library do
 * when they are made, until they leave the bus. A signal is sent only if polkit allows the client
 * to know of the object at that moment.
 */

#pragma once

#include "bus/objects.h"

typedef struct BerthWatchers BerthWatchers;

BerthWatchers *berth_watchers_new(BerthService *service);
void berth_watchers_free(BerthWatchers *watchers);

/* The client has been shown the object at path. */
void berth_watchers_add(BerthWatchers *watchers, const char *client, const char *path);
/* The client has been shown all objects. others: also those of other users. */
void berth_watchers_add_all(BerthWatchers *watchers, const char *client, bool others);
void berth_watchers_forget(BerthWatchers *watchers, const char *client);
/* The number of clients. */
unsigned berth_watchers_count(BerthWatchers *watchers);

void berth_watchers_tell_added(BerthWatchers *watchers, const BerthObject *object);
void berth_watchers_tell_removed(BerthWatchers *watchers, const BerthObject *object);
/* changed: properties that are sent with their values, which are the same for every client;
 * invalidated: those of which only the names are sent. NULL for none. */
void berth_watchers_tell_changed(BerthWatchers *watchers, const BerthObject *object,
                                 const char *const *changed, const char *const *invalidated);
