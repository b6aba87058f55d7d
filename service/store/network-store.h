/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The records of networks created by Berth. */

#pragma once

#include "store/database.h"

#include <stdint.h>

typedef struct {
    char *name;
    char *bridge; /* interface on the host, unique */
    char *subnet, *gateway;
    char *subnet6, *gateway6; /* "": no IPv6 */
    bool internal;            /* no connection to the outside */
    bool dns;                 /* container names are resolved */
    uint32_t mtu;             /* 0: kernel default */
    uint64_t created_usec;
    char **labels;
} BerthNetworkRecord;

void berth_network_record_free(gpointer record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthNetworkRecord, berth_network_record_free)

/* Returns BerthNetworkRecords, sorted by name. */
GPtrArray *berth_network_store_list(BerthDatabase *database, GError **error);
/* Returns NULL without an error if there is none. */
BerthNetworkRecord *berth_network_store_get(BerthDatabase *database, const char *name,
                                            GError **error);
bool berth_network_store_add(BerthDatabase *database, const BerthNetworkRecord *record,
                             GError **error);
/* Removes the network and its labels; succeeds if there is none. */
bool berth_network_store_remove(BerthDatabase *database, const char *name, GError **error);
