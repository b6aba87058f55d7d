/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published ports as Create is given them: "[IP:]HOST:CONTAINER[/PROTOCOL]". */

#pragma once

#include "containers/spec/options.h"

#include <netinet/in.h>

typedef struct {
    char address[INET6_ADDRSTRLEN]; /* "" for all */
    unsigned host;                  /* 0: one that is free; none of a container that exists */
    unsigned container;
    const char *protocol;
} BerthPort;

/* An IPv6 address is in brackets. */
bool berth_port_parse(const char *text, BerthPort *port);

/* As berth_port_parse() reads it. Caller frees. */
char *berth_port_format(const BerthPort *port);

/* Whether the ports of the options are well formed and have a network to be published from. */
bool berth_ports_check(const BerthCreateOptions *options, GError **error);
/* The number of ports alone: a rule is asked about each. */
bool berth_ports_check_count(const BerthCreateOptions *options, GError **error);

/* The port as create-privileged is asked about it, "80" or "53/udp", if it is below the kernel's
 * ip_unprivileged_port_start; NULL for others. Caller frees. */
char *berth_port_get_privilege(const char *text);
