/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Endpoints are made once, when the worker opens its reference, and do not change afterwards; the
 * list belongs to berth-fetch's main(). They are asked in their order, and the last one is the
 * registry itself.
 */

#include "fetch/endpoint.h"

#include "base/names.h"

#include <string.h>

void berth_registry_rule_free(BerthRegistryRule *rule) {
    if (!rule)
        return;
    g_free(rule->host);
    g_strfreev(rule->mirrors);
    g_free(rule->location);
    g_free(rule);
}

void berth_endpoint_free(BerthEndpoint *endpoint) {
    if (!endpoint)
        return;
    g_free(endpoint->host);
    g_free(endpoint->path);
    g_free(endpoint->locator);
    g_free(endpoint);
}

static void free_endpoint(gpointer data) {
    berth_endpoint_free(data);
}

/* berthd sends the hosts of rules in the form of berth_name_normalize_place(). */
static const BerthRegistryRule *find_rule(GPtrArray *rules, const char *host) {
    g_autofree char *normal = berth_name_normalize_place(host);

    for (guint i = 0; i < rules->len; i++) {
        const BerthRegistryRule *rule = rules->pdata[i];
        if (g_str_equal(rule->host, normal))
            return rule;
    }
    return NULL;
}

/* place: HOST[:PORT][/PREFIX]. */
static BerthEndpoint *new_endpoint(const char *place, const char *path, bool insecure) {
    BerthEndpoint *endpoint = g_new0(BerthEndpoint, 1);
    size_t host_length = strcspn(place, "/");
    const char *prefix = place[host_length] ? place + host_length + 1 : "";
    g_autofree char *trimmed = g_strndup(prefix, strlen(prefix) - g_str_has_suffix(prefix, "/"));

    endpoint->host = g_strndup(place, host_length);
    endpoint->path = g_strconcat(trimmed, trimmed[0] ? "/" : "", path, NULL);
    endpoint->locator = g_strconcat(endpoint->host, "/", endpoint->path, NULL);
    endpoint->insecure = insecure;
    return endpoint;
}

/* Whether the host of a place is itself configured as insecure; a mirror does not inherit the
 * registry's setting. */
static bool is_insecure(GPtrArray *rules, const char *place) {
    g_autofree char *host = g_strndup(place, strcspn(place, "/"));
    const BerthRegistryRule *rule = find_rule(rules, host);

    return rule && rule->insecure;
}

GPtrArray *berth_endpoints_find(const BerthReference *reference, bool insecure, GPtrArray *rules,
                                GError **error) {
    g_autoptr(GPtrArray) endpoints = g_ptr_array_new_with_free_func(free_endpoint);
    const BerthRegistryRule *rule = find_rule(rules, reference->host);
    const char *place = rule && rule->location[0] ? rule->location : reference->host;

    if (rule && rule->blocked) {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "%s: the registry %s is blocked by the configuration", reference->locator,
                        reference->host);
        return NULL;
    }
    for (char **mirror = rule ? rule->mirrors : NULL; mirror && *mirror; mirror++)
        g_ptr_array_add(endpoints,
                        new_endpoint(*mirror, reference->path, is_insecure(rules, *mirror)));
    g_ptr_array_add(
        endpoints, new_endpoint(place, reference->path,
                                insecure || (rule && rule->insecure) || is_insecure(rules, place)));
    return g_steal_pointer(&endpoints);
}
