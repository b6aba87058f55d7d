/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listing systemd's units. */

#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Calls seen for each unit whose name matches pattern (fnmatch(3)), of which there is none if
 * systemd cannot be asked, then with NULL. That happens later, or within this call. */
typedef void (*BerthUnitVisit)(const char *unit, void *userdata);
void berth_units_list(sd_bus *bus, const char *pattern, BerthUnitVisit seen, void *userdata);
