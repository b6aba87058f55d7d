/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The connection of a container to one network: either a CNI network of the administrator's, or one
 * that Berth made, set up by netavark or, if that is not installed, by CNI's plugins. What was done
 * is recorded in networks/KEY.json in the state directory until it has been undone. It is separate
 * from the container's own directory, which may be removed earlier. KEY is the container's id for
 * the first network, and "ID@NETWORK" for additional ones.
 */

#pragma once

#include "bare/setup.h"
#include "base/error.h"

#include <json-c/json.h>

/* Connects the process to the network of the key. Anything that is still recorded for the key is
 * undone first. On failure, nothing is left of the connection. *result is set to the addresses, in
 * CNI's format. */
bool berth_connection_connect(const BerthSetup *setup, const char *key, pid_t pid,
                              const char *netns, int networks, json_object **result,
                              GError **error);

/* Undoes what the document records. If pid is not 0, this is done only if the document belongs to
 * that process, since a later start may have connected the container again. netns is "" if the
 * namespace is gone. */
bool berth_connection_undo_recorded(const char *key, pid_t pid, const char *netns, int networks,
                                    GError **error);

/* Restores the rules that netavark has written for the connection, if it exists: a firewall that is
 * reloaded forgets them. Rules written by CNI's plugins are not restored. */
bool berth_connection_renew(const char *key, int networks, GError **error);
