/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a reference is looked up: in the mirrors configured for its registry, in their order, and
 * last in the registry itself or its configured replacement.
 */

#pragma once

#include "fetch/reference.h"

/* A section [Registry HOST] of berth.conf. */
typedef struct {
    char *host;
    char **mirrors; /* HOST[:PORT][/PREFIX] */
    char *location; /* the same, or "" */
    int insecure, blocked;
} BerthRegistryRule;

typedef struct {
    char *host, *path;
    char *locator; /* host and path, the key that credentials are stored under */
    bool insecure;
} BerthEndpoint;

void berth_registry_rule_free(BerthRegistryRule *rule);
void berth_endpoint_free(BerthEndpoint *endpoint);

/* Returns a list of BerthEndpoint with at least one element; the last one is the registry. rules:
 * of BerthRegistryRule. A blocked registry is FailedPrecondition. */
GPtrArray *berth_endpoints_find(const BerthReference *reference, bool insecure, GPtrArray *rules,
                                GError **error);
