/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published ports in the form of Create's option: "[IP:]HOST:CONTAINER[/PROTOCOL]". */

#pragma once

#include <netinet/in.h>
#include <stdbool.h>

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
