/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Properties of objects that not everybody may see. sd-bus answers org.freedesktop.DBus.Properties
 * by itself and at once; here it is answered from the same vtable, after the caller was checked.
 */

#pragma once

#include "bus/service.h"

/* True for a call of Get, GetAll or Set. */
bool berth_properties_is_call(sd_bus_message *call);

bool berth_properties_is_get_all(sd_bus_message *call);

/* Answers it from the getters of vtable. */
int berth_properties_answer(sd_bus *bus, sd_bus_message *call, const char *interface,
                            const sd_bus_vtable *vtable, void *userdata, sd_bus_error *error);

/* Appends all properties of the object at path as a{sv}, cut to BERTH_MAX_ITEM_BYTES. */
int berth_properties_append_all(sd_bus *bus, sd_bus_message *message, const char *path,
                                const char *interface, const sd_bus_vtable *vtable, void *userdata);
