/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which objects "dist prune" and the prune verbs of groups consider. The service filters by labels
 * that an object must have; those that it must not have, and its age, are compared here. What was
 * given is read once, before anything is deleted.
 */

#include "client/prune-filter.h"

#include "client/run-values.h"

static uint64_t until_usec = UINT64_MAX;

const DistOption dist_prune_filter_options[] = {
    {"filter", 0, DIST_OPTION_LIST, &dist_filters_given,
     N_("Only those with label=KEY[=VALUE], without label!=…, or created before until=TIME"),
     N_("NAME=VALUE")},
    DIST_OPTION_END,
};

const DistFilterName dist_prune_filters[] = {
    {"label", "Labels", DIST_FILTER_LABEL},
    {"label!", NULL, DIST_FILTER_REPEATED},
    {"until", NULL, DIST_FILTER_ADDITION},
    {NULL},
};

bool dist_prune_filter_read(GError **error) {
    const char *until = dist_filter_find("until");

    return dist_filter_check(dist_prune_filters, error) &&
           (!until || dist_parse_time(until, &until_usec, error));
}

bool dist_prune_filter_is_given(void) {
    return dist_filters_given && dist_filters_given[0];
}

bool dist_prune_filter_has_labels(void) {
    return dist_filter_find("label") || dist_filter_find("label!");
}

int dist_prune_filter_append(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return dist_filter_append(call, dist_prune_filters, NULL);
}

bool dist_prune_filter_passes(uint64_t created_usec, GHashTable *labels) {
    g_autoptr(GPtrArray) unwanted = dist_filter_find_all("label!");

    for (guint i = 0; labels && i < unwanted->len; i++) {
        g_auto(GStrv) parts = g_strsplit(unwanted->pdata[i], "=", 2);
        const char *value = g_hash_table_lookup(labels, parts[0]);
        if (value && (!parts[1] || g_str_equal(value, parts[1])))
            return false;
    }
    return created_usec <= until_usec;
}
