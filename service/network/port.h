/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The port of a connection: the interface on a bridge of the host whose peer is in the container.
 * It is deleted when the container leaves, since the network namespace may outlive the container's
 * processes, and the address with it: another process has a socket of it, or is in a container of
 * the same pod.
 */

#pragma once

#include "base/error.h"

#include <json-glib/json-glib.h>

/* Before the connection is made: notes in its document which ports the bridge has. The caller holds
 * the lock of all bridges from here to berth_port_note(). */
void berth_port_note_others(JsonObject *document, const char *bridge);
/* Notes the one that was added since. */
void berth_port_note(JsonObject *document, const char *bridge);

/* Deletes the port that the document has noted, if it has. */
bool berth_port_delete_noted(JsonObject *document, GError **error);
/* Deletes the port of the document, which networks/ has under that name, if it is still there. */
bool berth_port_delete(int networks, const char *name, JsonObject *document, const char *bridge,
                       GError **error);
