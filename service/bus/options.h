/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The options of methods, always their last argument, a{sv}: only known keys are accepted, each
 * with its type.
 */

#pragma once

#include "base/bus-error.h"

typedef struct {
    const char *key;
    const char *type; /* one of s b t u h as a{ss} */
    /* const char **, int *, uint64_t *, uint32_t *, int *, char *** or char ***, in this order. */
    void *value;
    /* For other types, with type NULL: reads the variant. */
    int (*read)(sd_bus_message *message, void *value, sd_bus_error *error);
} BerthOption;

/* Reads the dictionary at the message's current position. An unknown key leads to InvalidArgument,
 * with the key and the known ones in the message. Vectors are new and belong to the caller; those
 * of maps alternate keys and values. Strings and descriptors belong to the message. options is
 * terminated by an entry without a key. */
int berth_options_read(sd_bus_message *message, const BerthOption *options, sd_bus_error *error);

/* For a method that has no options yet. */
#define BERTH_NO_OPTIONS (&(const BerthOption){NULL})
/* Reads the options of a method that has none yet: any key is an error. */
int berth_options_read_none(sd_bus_message *message, sd_bus_error *error);

/* Appends {sv} with an array of strings. */
int berth_options_append_strings(sd_bus_message *message, const char *key, char *const *strings);

/* Reads as into a new vector, which is never NULL. */
int berth_options_read_strings(sd_bus_message *message, char ***strings);

/* Reads a{ss} into a vector of alternating keys and values. */
int berth_options_read_map(sd_bus_message *message, char ***map);
