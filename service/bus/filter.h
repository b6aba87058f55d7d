/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The option Filter of listings, a{sv}: only items of which all these properties have these values.
 * A string is a pattern, in which * stands for any text and ? for any character. A list (as) has to
 * hold all that the filter names; a dictionary of strings (a{ss}) all its keys, with these values,
 * where an empty value stands for any. */

#pragma once

#include "base/bus-error.h"

typedef struct {
    GVariant *wanted; /* a{sv}; NULL: there is no filter */
} BerthFilter;

/* Reads the variant, as BerthOption does; filter is a BerthFilter. */
int berth_filter_read(sd_bus_message *message, void *filter, sd_bus_error *error);

/* Whether an item, of the type (sa{sv}), passes. item is read from its current position to its end.
 * 1, 0 or negative errno. */
int berth_filter_match(const BerthFilter *filter, sd_bus_message *item);
void berth_filter_clear(BerthFilter *filter);
