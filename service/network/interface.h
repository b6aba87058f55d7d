/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interfaces, as far as the programs that make them leave something to do. */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* Whether a container has an interface on the bridge. */
bool berth_interface_has_ports(const char *bridge);

/* Keeps the bridge's hardware address as it is. */
bool berth_interface_pin(const char *bridge, GError **error);

/* The hardware address of an interface in the network namespace of a process, as text; NULL if
 * there is none. Caller frees. */
char *berth_interface_read_address(pid_t pid, const char *name);
