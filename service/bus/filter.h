/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The option Filter of listings, a{sv}: selects the items whose properties have all of these
 * values. A string is a pattern in which * matches any text and ? any character. A list (as) must
 * contain all elements that the filter names; a dictionary of strings (a{ss}) must contain all its
 * keys with these values, where an empty value matches any. A list of variants (av) has
 * alternatives, one of which must match.
 */

#pragma once

#include "base/bus-error.h"

typedef struct {
    GVariant *wanted; /* a{sv}; NULL: no filter */
} BerthFilter;

/* Reads the variant, in the form of a BerthOption reader; filter is a BerthFilter. */
int berth_filter_read(sd_bus_message *message, void *filter, sd_bus_error *error);

/* Whether an item, of the type (sa{sv}), matches. item is read from its current position to its
 * end. Returns 1, 0 or a negative errno. */
int berth_filter_match(const BerthFilter *filter, sd_bus_message *item);
/* Frees the contents of a filter, but not the filter itself. */
void berth_filter_clear(BerthFilter *filter);
