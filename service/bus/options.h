/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of methods, their last argument, a{sv}: known keys only, each with its type. */

#pragma once

#include "base/bus-error.h"

typedef struct {
    const char *key;
    const char *type; /* s b t u h as a{ss} */
    void *value;      /* const char **, int *, uint64_t *, uint32_t *, int *, char ***, char *** */
    /* For other types: reads the variant; type is NULL then. */
    int (*read)(sd_bus_message *message, void *value, sd_bus_error *error);
} BerthOption;

/* Reads the dictionary at the message's position; an unknown key is InvalidArgument, with its name
 * and those that are known.
 * Vectors are new and the caller's, maps are key, value, …; strings and descriptors stay the
 * message's. options ends with an entry without key. */
int berth_options_read(sd_bus_message *message, const BerthOption *options, sd_bus_error *error);

/* For a method that has no options yet. */
#define BERTH_NO_OPTIONS (&(const BerthOption){NULL})
int berth_options_read_none(sd_bus_message *message, sd_bus_error *error);

/* Appends {sv} with an array of strings. */
int berth_options_append_strings(sd_bus_message *message, const char *key, char *const *strings);

/* Reads a{ss} as a vector of keys and values. */
int berth_options_read_map(sd_bus_message *message, char ***map);
