/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A single query to a name server, to see whether it serves a name. */

#pragma once

#include <stdbool.h>

/* Returns true if the server at this IPv4 address answers within the timeout with an address for
 * the name. */
bool berth_dns_query(const char *server, const char *name, int timeout_msec);
