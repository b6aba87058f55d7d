/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Network interfaces: what the programs that create them leave to be done. */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* Returns true if an interface of any container is attached to the bridge. */
bool berth_interface_has_ports(const char *bridge);

/* Fixes the bridge's current hardware address. */
bool berth_interface_pin(const char *bridge, GError **error);

/* The hardware address of an interface in the network namespace of a process, as text; NULL if
 * there is none. The caller frees it. */
char *berth_interface_read_address(pid_t pid, const char *name);
