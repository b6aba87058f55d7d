/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One question to a name server, to see that it serves a name. */

#pragma once

#include <stdbool.h>

/* Whether the server at this IPv4 address answers with an address for the name in this time. */
bool berth_dns_query(const char *server, const char *name, int timeout_msec);
