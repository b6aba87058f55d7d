/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Clients that are told how objects change: those that have asked for all objects of /org/berth1
 * (GetManagedObjects) or for all properties of one (GetAll), as proxies of every D-Bus library do
 * when they are made, until they leave the bus. Each is told only what polkit lets it know at that
 * moment.
 */

#pragma once

#include "bus/objects.h"

typedef struct BerthWatchers BerthWatchers;

BerthWatchers *berth_watchers_new(BerthService *service);
void berth_watchers_free(BerthWatchers *watchers);

/* The client has been shown the object at path. */
void berth_watchers_add(BerthWatchers *watchers, const char *client, const char *path);
/* The client has been shown all objects, others: those of other users, too. */
void berth_watchers_add_all(BerthWatchers *watchers, const char *client, bool others);
void berth_watchers_forget(BerthWatchers *watchers, const char *client);
/* Clients, for which the service stays. */
unsigned berth_watchers_count(BerthWatchers *watchers);

void berth_watchers_tell_added(BerthWatchers *watchers, const BerthObject *object);
void berth_watchers_tell_removed(BerthWatchers *watchers, const BerthObject *object);
/* changed: properties that are told with their values, which are the same for everybody;
 * invalidated: those that a client asks for if it wants them. NULL for none. */
void berth_watchers_tell_changed(BerthWatchers *watchers, const BerthObject *object,
                                 const char *const *changed, const char *const *invalidated);
