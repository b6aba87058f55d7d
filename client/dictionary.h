/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Dictionaries of properties, a{sv}, as the service answers and lists them. */

#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct {
    const char *key;
    const char *type; /* a basic type, "as" or "a{ss}" */
    void *value;      /* of a basic type; char ***, new; GHashTable *, gets those it has not */
} DistField;

/* Reads the values of known keys; others are skipped. Negative errno. fields ends with one without
 * key. Strings stay the message's. */
int dist_dictionary_read(sd_bus_message *message, const DistField *fields);

/* The same for an item of a listing, (sa{sv}): 1, or 0 at the end. */
int dist_dictionary_read_item(sd_bus_message *reply, const char **name, const DistField *fields);
