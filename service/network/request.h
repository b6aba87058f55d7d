/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What berthd wants of a network that it made itself: the network, and the place of one container
 * in it. berthd writes it to networks/ID.next (containers/parts/addresses.c), so that the addresses
 * are taken from then on, whoever dies.
 */

#pragma once

#include "base/error.h"

#include <json-glib/json-glib.h>

/* Texts are the document's, and so are the arrays. */
typedef struct {
    const char *network;
    const char *bridge; /* the interface on the host */
    const char *mac;    /* NULL: any */
    bool internal;      /* no way out */
    bool dns;           /* names are resolved */
    int64_t mtu;        /* 0: the kernel's */
    JsonArray *subnets; /* of objects: subnet, gateway; IPv4 first */
    char **addresses;   /* with prefix lengths, one of each subnet */
    char **names;       /* by which others find the container */
    char **servers;     /* that its questions are passed on to; empty: the host's */
} BerthNetworkRequest;

void berth_network_request_clear(BerthNetworkRequest *request);
bool berth_network_request_read(BerthNetworkRequest *request, JsonObject *object, GError **error);

/* Subnet i. The texts stay the document's. */
bool berth_network_request_get_subnet(const BerthNetworkRequest *request, guint i,
                                      const char **subnet, const char **gateway, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthNetworkRequest, berth_network_request_clear)
