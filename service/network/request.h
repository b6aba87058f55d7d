/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What berthd requests for a network that it made itself: the network, and the endpoint of one
 * container in it. berthd writes the request to networks/KEY.next (containers/parts/addresses.c).
 * From then on the addresses are taken, even if one of the processes dies. For an additional
 * network from CNI's configurations, the request has only the name and the interface.
 */

#pragma once

#include "base/error.h"

#include <json-c/json.h>

/* The interface in a container's first network. */
#define BERTH_FIRST_INTERFACE "eth0"

/* Strings and arrays belong to the document, except the arrays of strings. */
typedef struct {
    const char *network;
    const char *interface; /* the name in the container */
    const char *bridge;    /* the interface on the host; NULL for a CNI network */
    const char *mac;       /* NULL for any */
    bool internal;         /* without a route to the outside */
    bool no_route;         /* another network has the container's default route */
    bool dns;              /* names are served in this network */
    int64_t mtu;           /* 0 for the kernel's default */
    json_object *subnets;  /* of objects with subnet and gateway; IPv4 first */
    char **addresses;      /* with prefix lengths, one for each subnet */
    char **names;          /* under which others find the container */
    char **servers;        /* upstream servers for its queries; empty for the host's */
} BerthNetworkRequest;

void berth_network_request_clear(BerthNetworkRequest *request);
/* Also accepts a document that is just {"left": true}. In that case it sets *left and nothing
 * else. */
bool berth_network_request_read_left(json_object *object, bool *left, GError **error);
bool berth_network_request_read(BerthNetworkRequest *request, json_object *object, GError **error);

/* Reads subnet i. The strings belong to the document. */
bool berth_network_request_get_subnet(const BerthNetworkRequest *request, guint i,
                                      const char **subnet, const char **gateway, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthNetworkRequest, berth_network_request_clear)
