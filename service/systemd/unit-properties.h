/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties of a unit, as arguments of a call to systemd. */

#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Appends the value of a property as a variant. Its type must be one that unit properties use.
 * Returns a negative errno on failure. */
int berth_unit_append_value(sd_bus_message *call, GVariant *value);

/* Appends a{sv} as elements of systemd's a(sv); properties may be NULL. Returns a negative errno on
 * failure. */
int berth_unit_append_properties(sd_bus_message *call, GVariant *properties);
