/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a container has, or is to have, in one network: names, addresses and an interface. The first
 * endpoint is in the network that Create named, with the options of Create; it has no row of its
 * own in the record. Further ones come from Create, too, or from ConnectNetwork.
 */

#pragma once

#include "store/container-record.h"

#include "base/error.h"

typedef struct {
    char *network;
    char **aliases;   /* further names */
    char **addresses; /* one of a family at most */
    char *mac;        /* NULL: any */
    bool first;       /* the one that ports are forwarded to */
} BerthNetworkEndpoint;

/* Everything is copied; lists may be NULL. */
BerthNetworkEndpoint *berth_network_endpoint_new(const char *network, char *const *aliases,
                                                 char *const *addresses, const char *mac);
void berth_network_endpoint_free(gpointer endpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthNetworkEndpoint, berth_network_endpoint_free)

/* Whether the network has a name of its own, and the names and addresses are well formed. */
bool berth_network_endpoint_check(const BerthNetworkEndpoint *endpoint, uint32_t owner,
                                  GError **error);
/* The same for further ones, which differ in their networks, and from the first. */
bool berth_network_endpoints_check(const GPtrArray *further, const char *first, uint32_t owner,
                                   GError **error);
/* The number of networks alone: a rule is asked about each. */
bool berth_network_endpoints_check_count(const GPtrArray *further, GError **error);

/* Those that the record has, the first one first if it was not left; the array owns them. */
GPtrArray *berth_network_endpoints_list(const BerthContainerRecord *record);
/* NULL if the container is not in the network. The caller frees it. */
BerthNetworkEndpoint *berth_network_endpoints_find(const BerthContainerRecord *record,
                                                   const char *network);
bool berth_network_endpoints_has(const BerthContainerRecord *record, const char *network);
/* Caller frees. */
char **berth_network_endpoints_list_networks(const BerthContainerRecord *record);

/* Changes the record, which is not written. Adding the network of Create makes it the first again.
 */
void berth_network_endpoints_add(BerthContainerRecord *record,
                                 const BerthNetworkEndpoint *endpoint);
void berth_network_endpoints_remove(BerthContainerRecord *record, const char *network);

/* Keeps further endpoints in the record's extra; NULL for none. */
void berth_network_endpoints_note(GVariantDict *extra, const GPtrArray *further);

/* The name of its documents in networks/, without the suffix, and of its lease: the container's id
 * and, of a further one, the network. No id has an "@". Caller frees. */
char *berth_network_endpoint_make_key(const char *id, const BerthNetworkEndpoint *endpoint);
/* The id in such a name; caller frees. */
char *berth_network_endpoint_read_id(const char *key);
