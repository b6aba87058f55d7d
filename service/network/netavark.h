/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* netavark, podman's program for networks: bridges, addresses, NAT and ports. */

#pragma once

#include "network/request.h"

typedef struct {
    const char *id;                     /* of the container */
    const BerthNetworkRequest *request; /* the network */
    JsonArray *ports;                   /* as CNI's portMappings has them; NULL for none */
} BerthNetavark;

/* Connects the network namespace at the path netns. */
bool berth_netavark_set_up(const BerthNetavark *netavark, const char *netns, GError **error);

/* Writes the rules of the firewall again, as set_up has written them; the container notices
 * nothing. pid: its first process. One that has ended is left out. */
bool berth_netavark_renew(const BerthNetavark *netavark, pid_t pid, GError **error);

/* Undoes it, and removes a network without containers. netns: "" if it has gone. */
bool berth_netavark_tear_down(const BerthNetavark *netavark, const char *netns, GError **error);
