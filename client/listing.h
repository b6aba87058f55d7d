/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listings of the service, which come in pages. */

#pragma once

#include "client/bus.h"

typedef struct {
    const char *path, *interface, *member;
    const char *of;                                            /* the first argument, or NULL */
    int (*filter)(sd_bus_message *call, const void *userdata); /* appends {sv}; or NULL */
    const void *filter_data;
} DistListing;

/* Reads one item and its key for the next page, newly allocated. 1, or 0 at the end; negative errno
 * on error. */
typedef int (*DistReadItem)(sd_bus_message *reply, char **key, void *userdata);
bool dist_list(const DistListing *listing, DistReadItem read, void *userdata, GError **error);

/* The names that List returns; NULL with error. */
GPtrArray *dist_list_names(const char *path, const char *interface, GError **error);

/* The exit status of "exists": EXIT_SUCCESS if the listing has this name. If it does not, there is
 * no error. */
int dist_list_find(const char *path, const char *interface, const char *name, GError **error);
