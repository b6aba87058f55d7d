/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The connection of a container to one network: a CNI network of the administrator's, or one
 * that Berth made, by netavark or, if that is not installed, by CNI's plugins. What was done is
 * kept in networks/KEY.json of the state directory until it was undone, beside the container's own
 * directory, which may go before that. KEY is the container's id for the first network, and
 * "ID@NETWORK" for further ones.
 */

#pragma once

#include "bare/setup.h"
#include "base/error.h"

#include <json-glib/json-glib.h>

/* Connects the process to the network of the key; what was recorded for it is undone first. A
 * failure leaves nothing of this network. *result: the addresses, as CNI writes them. */
bool berth_connection_connect(const BerthSetup *setup, const char *key, pid_t pid,
                              const char *netns, int networks, JsonNode **result, GError **error);

/* Undoes what the document says. pid: only if it is of this process, since a newer start may have
 * connected the container again; 0 for any. netns: "" if it has gone. */
bool berth_connection_undo_recorded(const char *key, pid_t pid, const char *netns, int networks,
                                    GError **error);

/* Renews the rules that netavark has written for it, if it is connected: a firewall that is loaded
 * anew forgets them. What CNI's plugins have written is not renewed. */
bool berth_connection_renew(const char *key, int networks, GError **error);
