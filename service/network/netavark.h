/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* netavark, podman's program for networks: bridges, addresses, NAT and ports. */

#pragma once

#include "network/request.h"

typedef struct {
    const char *id;                     /* the container's */
    const BerthNetworkRequest *request; /* the network */
    json_object *ports;                 /* in the form of CNI's portMappings; NULL for none */
} BerthNetavark;

/* Connects the network namespace at the path netns. */
bool berth_netavark_set_up(const BerthNetavark *netavark, const char *netns, GError **error);

/* Writes the firewall rules again as set_up has written them, without affecting the container. pid
 * is its first process. Does nothing if that has ended. */
bool berth_netavark_renew(const BerthNetavark *netavark, pid_t pid, GError **error);

/* Disconnects the namespace, and removes the network if it has no containers left. netns is "" if
 * the namespace is gone. */
bool berth_netavark_tear_down(const BerthNetavark *netavark, const char *netns, GError **error);
