/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Reads a variant that must have the type that systemd gives the property. *value is floating. */
int berth_container_property_read(sd_bus_message *call, const char *type, GVariant **value);
