/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a container has or requests in one network: names, addresses and an interface. The first
 * endpoint is in the network that Create named, with the options of Create; it has no separate
 * entry in the record. Additional ones come from Create as well, or from ConnectNetwork.
 */

#pragma once

#include "store/container-record.h"

#include "base/error.h"

typedef struct {
    char *network;
    char **aliases;   /* additional names */
    char **addresses; /* at most one per family */
    char *mac;        /* NULL: any */
    bool first;       /* the endpoint that ports are forwarded to */
} BerthNetworkEndpoint;

/* All arguments are copied; lists may be NULL. */
BerthNetworkEndpoint *berth_network_endpoint_new(const char *network, char *const *aliases,
                                                 char *const *addresses, const char *mac);
void berth_network_endpoint_free(gpointer endpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthNetworkEndpoint, berth_network_endpoint_free)

/* Checks that the endpoint is in a named network, and that its names and addresses are
 * well-formed. */
bool berth_network_endpoint_check(const BerthNetworkEndpoint *endpoint, uint32_t owner,
                                  GError **error);
/* The same for additional endpoints, whose networks must differ from each other and from the first
 * one. */
bool berth_network_endpoints_check(const GPtrArray *additional_endpoints, const char *first,
                                   uint32_t owner, GError **error);
/* Checks only the number of networks. A rule is evaluated for each, so this comes first. */
bool berth_network_endpoints_check_count(const GPtrArray *additional_endpoints, GError **error);

/* The endpoints in the record, beginning with the first one unless it has been disconnected. The
 * array owns them. */
GPtrArray *berth_network_endpoints_list(const BerthContainerRecord *record);
/* NULL if the container is not in the network. The caller frees it. */
BerthNetworkEndpoint *berth_network_endpoints_find(const BerthContainerRecord *record,
                                                   const char *network);
bool berth_network_endpoints_has(const BerthContainerRecord *record, const char *network);
/* The caller frees the list. */
char **berth_network_endpoints_list_networks(const BerthContainerRecord *record);

/* Changes the record in memory only. Adding the network of Create makes that endpoint the first one
 * again. */
void berth_network_endpoints_add(BerthContainerRecord *record,
                                 const BerthNetworkEndpoint *endpoint);
void berth_network_endpoints_remove(BerthContainerRecord *record, const char *network);

/* Stores additional endpoints in the extra of the record; NULL for none. */
void berth_network_endpoints_store(GVariantDict *extra, const GPtrArray *additional_endpoints);

/* The name of the endpoint's documents in networks/, without suffix, and of its lease: the
 * container's id followed, for additional endpoints, by the network. No id contains an "@". The
 * caller frees it. */
char *berth_network_endpoint_make_key(const char *id, const BerthNetworkEndpoint *endpoint);
/* The id in such a name. The caller frees it. */
char *berth_network_endpoint_read_id(const char *key);
