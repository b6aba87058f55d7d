/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The records of networks that Berth made. */

#pragma once

#include "store/database.h"

#include <stdint.h>

typedef struct {
    char *name;
    char *bridge; /* the interface on the host; no two have the same */
    char *subnet, *gateway;
    char *subnet6, *gateway6; /* "" without IPv6 */
    bool internal;            /* no way out */
    bool dns;                 /* names of containers are resolved */
    uint32_t mtu;             /* 0: the kernel's */
    uint64_t created_usec;
    char **labels;
} BerthNetworkRecord;

void berth_network_record_free(gpointer record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthNetworkRecord, berth_network_record_free)

/* Of BerthNetworkRecord, in the order of names. */
GPtrArray *berth_network_store_list(BerthDatabase *database, GError **error);
/* NULL without an error if there is none. */
BerthNetworkRecord *berth_network_store_get(BerthDatabase *database, const char *name,
                                            GError **error);
bool berth_network_store_add(BerthDatabase *database, const BerthNetworkRecord *record,
                             GError **error);
bool berth_network_store_remove(BerthDatabase *database, const char *name, GError **error);
