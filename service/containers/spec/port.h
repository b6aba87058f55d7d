/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published ports in the form of Create's option: "[IP:]HOST:CONTAINER[/PROTOCOL]". */

#pragma once

#include "containers/spec/options.h"

#include <netinet/in.h>

typedef struct {
    char address[INET6_ADDRSTRLEN]; /* "" for all */
    unsigned host;                  /* 0 to choose a free one; never 0 in an existing container */
    unsigned container;
    const char *protocol;
} BerthPort;

/* An IPv6 address must be in brackets. */
bool berth_port_parse(const char *text, BerthPort *port);

/* The text that berth_port_parse() reads. The caller frees it. */
char *berth_port_format(const BerthPort *port);

/* Checks that the ports in the options are well-formed, and that there is a network to publish them
 * from. */
bool berth_ports_check(const BerthCreateOptions *options, GError **error);
/* Checks only the number of ports. A rule is evaluated for each, so this comes first. */
bool berth_ports_check_count(const BerthCreateOptions *options, GError **error);

/* The port in the form that create-privileged uses ("80" or "53/udp") if it is below the kernel's
 * ip_unprivileged_port_start; NULL otherwise. The caller frees it. */
char *berth_port_get_privilege(const char *text);
