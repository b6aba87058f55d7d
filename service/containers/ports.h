/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Host ports of containers. Forwarding is CNI's; so that a port is one container's alone, and
 * nobody else's, the service binds it (and neither listens nor reads) from before the container
 * starts until it has ended. systemd keeps the sockets while the service is away.
 */

#pragma once

#include "containers/containers.h"

#include <netinet/in.h>

typedef struct {
    char address[INET6_ADDRSTRLEN]; /* "" for all */
    unsigned host, container;
    const char *protocol;
} BerthPort;

/* "[IP:]HOST:CONTAINER[/PROTOCOL]"; an IPv6 address is in brackets. */
bool berth_port_parse(const char *text, BerthPort *port);

/* Ports need a network that has them, and are numbers. */
bool berth_ports_check(const BerthContainerOptions *options, GError **error);

/* What create-privileged is asked about: "80" or "53/udp" for a port below the kernel's
 * ip_unprivileged_port_start; NULL for others. Caller frees. */
char *berth_port_get_privilege(const char *text);

/* Binds them; InUse, with none of them bound, where somebody has one. */
bool berth_container_hold_ports(BerthContainer *container, GError **error);
/* Gives the sockets to systemd, for a container that runs from here on. */
bool berth_container_keep_ports(BerthContainer *container, GError **error);
/* It has ended. What is not held is fine. */
void berth_container_release_ports(BerthContainer *container);
/* The service ends, the container does not. */
void berth_container_forget_ports(BerthContainer *container);
