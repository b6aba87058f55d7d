/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Dictionaries of properties, a{sv}, as the service returns and lists them. */

#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* An OCI descriptor. Its strings belong to the message. */
typedef struct {
    const char *media_type, *digest;
    uint64_t size;
} DistTarget;

typedef struct {
    const char *key;
    const char *type; /* a basic type, "as", "a{ss}" or "(sst)" */
    void *value;      /* a variable of a basic type; char ***, newly allocated; GHashTable *, to
                       * which missing keys are added; or DistTarget * */
    /* For other types: reads the variant, and type is NULL. */
    int (*read)(sd_bus_message *message, void *value);
} DistField;

/* Reads the values of known keys; others are skipped. fields ends with an entry whose key is NULL.
 * Strings belong to the message. Negative errno on error. */
int dist_dictionary_read(sd_bus_message *message, const DistField *fields);

/* The same for an item of a listing, (sa{sv}): 1 with an item, 0 at the end. */
int dist_dictionary_read_item(sd_bus_message *reply, const char **name, const DistField *fields);

/* Reads a variant that holds an array of such items, from within a field's read: read takes one of
 * them. */
int dist_dictionary_read_items(sd_bus_message *message,
                               int (*read)(sd_bus_message *message, void *userdata),
                               void *userdata);
