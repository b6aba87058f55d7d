/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The directory networks/ in the state directory: a document for each connection of a container, by
 * which it is disconnected, and locks.
 */

#pragma once

#include "base/error.h"

#include <json-c/json.h>

json_object *berth_network_state_read(int networks, const char *name, GError **error);
/* Writes the document by replacing it atomically; with synced, it is on disk afterwards. The caller
 * keeps state. */
bool berth_network_state_write(int networks, const char *name, json_object *state, bool synced,
                               GError **error);

/* These lock the work on one container, even if it is deleted and created again, and on all
 * bridges, across processes. The returned descriptor holds the lock; -1 with error. */
int berth_network_lock_container(int networks, const char *id, GError **error);
int berth_network_lock_bridges(int networks, GError **error);
