/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The port of a connection: the interface on a bridge of the host whose peer is in the container.
 * It is deleted when the container leaves. Otherwise it would stay, with its address, as long as
 * the network namespace, which may outlive the container's processes: another process may have a
 * socket in it, or be in another container of the same pod.
 */

#pragma once

#include "base/error.h"

#include <json-c/json.h>

/* Called before a connection is made: records in its document which ports the bridge already has.
 * The caller holds the lock for all bridges from here to berth_port_record(). */
void berth_port_record_others(json_object *document, const char *bridge);
/* Records the port that has been added since. */
void berth_port_record(json_object *document, const char *bridge);

/* Deletes the port recorded in the document, if there is one. */
bool berth_port_delete_recorded(json_object *document, GError **error);
/* The same, but also finds the port of a connection that was interrupted before it was recorded.
 * name is the name of the document in networks/. */
bool berth_port_delete(int networks, const char *name, json_object *document, const char *bridge,
                       GError **error);
