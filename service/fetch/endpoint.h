/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a reference is looked for: the mirrors that the configuration names for its registry, in
 * their order, and last the registry itself or what the configuration puts in its place.
 */

#pragma once

#include "fetch/reference.h"

/* [Registry HOST] of berth.conf. */
typedef struct {
    char *host;
    char **mirrors; /* HOST[:PORT][/PREFIX] */
    char *location; /* the same, or "" */
    int insecure, blocked;
} BerthRegistryRule;

typedef struct {
    char *host, *path;
    char *locator; /* both, as credentials are kept for it */
    bool insecure;
} BerthEndpoint;

void berth_registry_rule_free(BerthRegistryRule *rule);
void berth_endpoint_free(BerthEndpoint *endpoint);

/* Of BerthEndpoint, at least one; the last is the registry. rules: of BerthRegistryRule. A blocked
 * registry is FailedPrecondition. */
GPtrArray *berth_endpoints_find(const BerthReference *reference, bool insecure, GPtrArray *rules,
                                GError **error);
