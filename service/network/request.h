/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What berthd wants of a network that it made itself: the network, and the endpoint of one
 * container in it. berthd writes it to networks/KEY.next (containers/parts/addresses.c), so that
 * the addresses are taken from then on, even if one of the processes dies. Of a further network
 * that is one of CNI's configurations it has the name and the interface alone.
 */

#pragma once

#include "base/error.h"

#include <json-glib/json-glib.h>

/* In a container's first network. */
#define BERTH_FIRST_INTERFACE "eth0"

/* Texts are the document's, and so are the arrays. */
typedef struct {
    const char *network;
    const char *interface; /* in the container */
    const char *bridge;    /* the interface on the host; NULL: a network of CNI's configurations */
    const char *mac;       /* NULL: any */
    bool internal;         /* no way out */
    bool no_route;         /* the container's default route is through another network */
    bool dns;              /* names are resolved */
    int64_t mtu;           /* 0: the kernel's */
    JsonArray *subnets;    /* of objects: subnet, gateway; IPv4 first */
    char **addresses;      /* with prefix lengths, one of each subnet */
    char **names;          /* by which others find the container */
    char **servers;        /* that its questions are passed on to; empty: the host's */
} BerthNetworkRequest;

void berth_network_request_clear(BerthNetworkRequest *request);
/* Also reads one that is only {"left": true}: *left, and nothing else, is set then. */
bool berth_network_request_read_left(JsonObject *object, bool *left, GError **error);
bool berth_network_request_read(BerthNetworkRequest *request, JsonObject *object, GError **error);

/* Subnet i. The texts stay the document's. */
bool berth_network_request_get_subnet(const BerthNetworkRequest *request, guint i,
                                      const char **subnet, const char **gateway, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthNetworkRequest, berth_network_request_clear)
