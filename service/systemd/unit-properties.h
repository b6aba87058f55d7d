/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties of a unit in a call to systemd. */

#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Appends the value of a property, of one of the types that these have, as a variant. Negative
 * errno. */
int berth_unit_append_value(sd_bus_message *call, GVariant *value);

/* Appends a{sv} as elements of systemd's a(sv); properties may be NULL. Negative errno. */
int berth_unit_append_properties(sd_bus_message *call, GVariant *properties);
