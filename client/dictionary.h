/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Dictionaries of properties, a{sv}, as the service answers and lists them. */

#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* A descriptor. Its strings are the message's. */
typedef struct {
    const char *media_type, *digest;
    uint64_t size;
} DistTarget;

typedef struct {
    const char *key;
    const char *type; /* a basic type, "as", "a{ss}" or "(sst)" */
    void *value;      /* of a basic type; char ***, new; GHashTable *, gets those it has not;
                       * DistTarget * */
    /* For other types: reads the variant; type is NULL then. */
    int (*read)(sd_bus_message *message, void *value);
} DistField;

/* Reads the values of known keys; others are skipped. Negative errno. fields ends with one without
 * key. Strings stay the message's. */
int dist_dictionary_read(sd_bus_message *message, const DistField *fields);

/* The same for an item of a listing, (sa{sv}): 1, or 0 at the end. */
int dist_dictionary_read_item(sd_bus_message *reply, const char **name, const DistField *fields);

/* A variant of such items, as a field's read is called for: read reads one of them. */
int dist_dictionary_read_items(sd_bus_message *message,
                               int (*read)(sd_bus_message *message, void *userdata),
                               void *userdata);
