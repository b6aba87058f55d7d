/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bridges on the host, as far as the programs that make them leave something to do. */

#pragma once

#include "base/error.h"

/* Whether a container has an interface on the bridge. */
bool berth_interface_has_ports(const char *bridge);

/* Keeps the bridge's hardware address as it is. */
bool berth_interface_pin(const char *bridge, GError **error);
