/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* networks/ of the state directory: a document for each container in a network, by which it is
 * disconnected, and locks. */

#pragma once

#include "base/error.h"

#include <json-glib/json-glib.h>

JsonNode *berth_network_state_read(int networks, const char *name, GError **error);
/* Replaced by a rename. Takes no reference. */
bool berth_network_state_write(int networks, const char *name, JsonNode *state, GError **error);

/* The work on one container, also if it is deleted and made again, and on all bridges: one at a
 * time, across processes. The descriptor holds the lock. */
int berth_network_lock_container(int networks, const char *id, GError **error);
int berth_network_lock_bridges(int networks, GError **error);
