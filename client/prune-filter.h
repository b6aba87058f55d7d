/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --filter of the verbs that prune: label=, label!= and until=, as in podman. */

#pragma once

#include "client/list-filter.h"

/* Without a short form: -f is --force there. */
extern const DistOption dist_prune_filter_options[];
extern const DistFilterName dist_prune_filters[];

/* Reads what was given; called before anything is deleted. */
bool dist_prune_filter_read(GError **error);
bool dist_prune_filter_is_given(void);
bool dist_prune_filter_has_labels(void);

/* Appends the part that the service filters by. */
int dist_prune_filter_append(sd_bus_message *call, const void *userdata);
/* Whether an object also passes the rest. labels: key → value; NULL if none were given. */
bool dist_prune_filter_passes(uint64_t created_usec, GHashTable *labels);
