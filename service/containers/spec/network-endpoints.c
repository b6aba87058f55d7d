/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Endpoints in the record of a container. The first one is made from the options of Create, as
 * network-options.c stores them; each additional one is a dictionary. The first network stays in
 * the record when the container leaves it, because the configuration refers to it; a mark records
 * that it was left. There is no state here.
 */

#include "containers/spec/network-endpoints.h"

#include "base/names.h"
#include "containers/spec/network-mode.h"
#include "containers/spec/network-options.h"

#include <string.h>

#define ADDITIONAL "FurtherNetworks"
#define ADDITIONAL_TYPE "a(sa{sv})"
#define LEFT "FirstNetworkLeft"

/* Together with the first network this is the limit for a container (network-changes.c applies it
 * to changes). */
enum { MAX_ADDITIONAL = 15 };

static char **copy_list(char *const *list) {
    return list ? g_strdupv((char **)list) : g_new0(char *, 1);
}

BerthNetworkEndpoint *berth_network_endpoint_new(const char *network, char *const *aliases,
                                                 char *const *addresses, const char *mac) {
    BerthNetworkEndpoint *endpoint = g_new0(BerthNetworkEndpoint, 1);

    *endpoint = (BerthNetworkEndpoint){
        .network = g_strdup(network),
        .aliases = copy_list(aliases),
        .addresses = copy_list(addresses),
        .mac = mac && mac[0] ? g_ascii_strdown(mac, -1) : NULL,
    };
    return endpoint;
}

void berth_network_endpoint_free(gpointer data) {
    BerthNetworkEndpoint *endpoint = data;

    if (!endpoint)
        return;
    g_free(endpoint->network);
    g_strfreev(endpoint->aliases);
    g_strfreev(endpoint->addresses);
    g_free(endpoint->mac);
    g_free(endpoint);
}

/* Checks only the form. Whether the network exists and has the addresses is known only when the
 * container is connected (parts/network-changes.c). */
bool berth_network_endpoint_check(const BerthNetworkEndpoint *endpoint, uint32_t owner,
                                  GError **error) {
    if (!berth_name_is_label(endpoint->network) || !berth_network_is_named(endpoint->network))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%.100s\" is not the name of a network", endpoint->network);
    return berth_network_check_aliases(endpoint->aliases, owner, error) &&
           berth_network_check_addresses(endpoint->addresses, error) &&
           berth_network_check_mac(endpoint->mac, error);
}

bool berth_network_endpoints_check_count(const GPtrArray *additional_endpoints, GError **error) {
    return !additional_endpoints || additional_endpoints->len <= MAX_ADDITIONAL ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "a container is in at most %d networks", MAX_ADDITIONAL + 1);
}

bool berth_network_endpoints_check(const GPtrArray *additional_endpoints, const char *first,
                                   uint32_t owner, GError **error) {
    if (!additional_endpoints || additional_endpoints->len == 0)
        return true;
    if (!berth_network_is_named(first))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "further networks need a first one, not none or host");
    /* The caller determines the length of the list, so it is limited before the loop, which walks
     * the list again for each entry. */
    if (!berth_network_endpoints_check_count(additional_endpoints, error))
        return false;
    for (guint i = 0; i < additional_endpoints->len; i++) {
        const BerthNetworkEndpoint *endpoint = additional_endpoints->pdata[i];
        bool twice = g_str_equal(endpoint->network, first);
        for (guint k = 0; k < i; k++)
            twice = twice ||
                    g_str_equal(
                        endpoint->network,
                        ((const BerthNetworkEndpoint *)additional_endpoints->pdata[k])->network);
        if (twice)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "the network \"%s\" is given twice", endpoint->network);
        if (!berth_network_endpoint_check(endpoint, owner, error))
            return false;
    }
    return true;
}

static BerthNetworkEndpoint *read_first(const BerthContainerRecord *record) {
    g_auto(GStrv) aliases = berth_network_options_list(record, BERTH_STORED_ALIASES);
    g_auto(GStrv) addresses = berth_network_options_list(record, BERTH_STORED_ADDRESSES);
    g_autofree char *mac = berth_network_options_get_mac(record);
    BerthNetworkEndpoint *endpoint =
        berth_network_endpoint_new(record->network, aliases, addresses, mac);

    endpoint->first = true;
    return endpoint;
}

/* A member that an entry lacks stays NULL, which berth_network_endpoint_new() takes as absent. */
static GPtrArray *list_additional_endpoints(const BerthContainerRecord *record) {
    GPtrArray *list = g_ptr_array_new_with_free_func(berth_network_endpoint_free);
    g_autoptr(GVariant) noted =
        berth_container_record_get_extra(record, ADDITIONAL, G_VARIANT_TYPE(ADDITIONAL_TYPE));
    const char *network;
    GVariantIter iterator;
    GVariant *details;

    if (!noted)
        return list;
    g_variant_iter_init(&iterator, noted);
    while (g_variant_iter_next(&iterator, "(&s@a{sv})", &network, &details)) {
        g_autofree const char **aliases = NULL, **addresses = NULL;
        const char *mac = NULL;
        (void)g_variant_lookup(details, BERTH_STORED_ALIASES, "^a&s", &aliases);
        (void)g_variant_lookup(details, BERTH_STORED_ADDRESSES, "^a&s", &addresses);
        (void)g_variant_lookup(details, BERTH_STORED_MAC, "&s", &mac);
        g_ptr_array_add(
            list, berth_network_endpoint_new(network, (char **)aliases, (char **)addresses, mac));
        g_variant_unref(details);
    }
    return list;
}

/* Only the presence of the mark counts; its value is always true. */
static bool has_left_first(const BerthContainerRecord *record) {
    g_autoptr(GVariant) left =
        berth_container_record_get_extra(record, LEFT, G_VARIANT_TYPE_BOOLEAN);

    return left != NULL;
}

GPtrArray *berth_network_endpoints_list(const BerthContainerRecord *record) {
    if (!berth_network_is_named(record->network))
        return g_ptr_array_new_with_free_func(berth_network_endpoint_free);
    GPtrArray *list = list_additional_endpoints(record);
    if (!has_left_first(record))
        g_ptr_array_insert(list, 0, read_first(record));
    return list;
}

/* Stealing does not run the array's free function; the caller owns the endpoint. */
BerthNetworkEndpoint *berth_network_endpoints_find(const BerthContainerRecord *record,
                                                   const char *network) {
    g_autoptr(GPtrArray) endpoints = berth_network_endpoints_list(record);

    for (guint i = 0; i < endpoints->len; i++)
        if (g_str_equal(((const BerthNetworkEndpoint *)endpoints->pdata[i])->network, network))
            return g_ptr_array_steal_index(endpoints, i);
    return NULL;
}

bool berth_network_endpoints_has(const BerthContainerRecord *record, const char *network) {
    g_autoptr(BerthNetworkEndpoint) endpoint = berth_network_endpoints_find(record, network);

    return endpoint != NULL;
}

char **berth_network_endpoints_list_networks(const BerthContainerRecord *record) {
    g_autoptr(GPtrArray) endpoints = berth_network_endpoints_list(record);
    char **names = g_new0(char *, endpoints->len + 1);

    for (guint i = 0; i < endpoints->len; i++)
        names[i] = g_strdup(((const BerthNetworkEndpoint *)endpoints->pdata[i])->network);
    return names;
}

static GVariant *format_endpoint(const BerthNetworkEndpoint *endpoint) {
    g_auto(GVariantDict) details = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert_value(&details, BERTH_STORED_ALIASES,
                                g_variant_new_strv((const char *const *)endpoint->aliases, -1));
    g_variant_dict_insert_value(&details, BERTH_STORED_ADDRESSES,
                                g_variant_new_strv((const char *const *)endpoint->addresses, -1));
    if (endpoint->mac)
        g_variant_dict_insert(&details, BERTH_STORED_MAC, "s", endpoint->mac);
    return g_variant_new("(s@a{sv})", endpoint->network, g_variant_dict_end(&details));
}

static GVariant *format_additional_endpoints(const GPtrArray *additional_endpoints) {
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE(ADDITIONAL_TYPE));
    for (guint i = 0; i < additional_endpoints->len; i++)
        g_variant_builder_add_value(&builder, format_endpoint(additional_endpoints->pdata[i]));
    return g_variant_builder_end(&builder);
}

void berth_network_endpoints_store(GVariantDict *extra, const GPtrArray *additional_endpoints) {
    if (additional_endpoints && additional_endpoints->len > 0)
        g_variant_dict_insert_value(extra, ADDITIONAL,
                                    format_additional_endpoints(additional_endpoints));
}

/* The first endpoint gets the aliases and addresses of this call. */
static void add_first(BerthContainerRecord *record, const BerthNetworkEndpoint *endpoint) {
    berth_container_record_set_extra(record, LEFT, NULL);
    berth_container_record_set_extra(
        record, BERTH_STORED_ALIASES,
        g_variant_new_strv((const char *const *)endpoint->aliases, -1));
    berth_container_record_set_extra(
        record, BERTH_STORED_ADDRESSES,
        g_variant_new_strv((const char *const *)endpoint->addresses, -1));
    berth_container_record_set_extra(record, BERTH_STORED_MAC,
                                     endpoint->mac ? g_variant_new_string(endpoint->mac) : NULL);
}

void berth_network_endpoints_add(BerthContainerRecord *record,
                                 const BerthNetworkEndpoint *endpoint) {
    if (g_strcmp0(endpoint->network, record->network) == 0) {
        add_first(record, endpoint);
        return;
    }
    g_autoptr(GPtrArray) additional_endpoints = list_additional_endpoints(record);
    g_ptr_array_add(additional_endpoints,
                    berth_network_endpoint_new(endpoint->network, endpoint->aliases,
                                               endpoint->addresses, endpoint->mac));
    berth_container_record_set_extra(record, ADDITIONAL,
                                     format_additional_endpoints(additional_endpoints));
}

void berth_network_endpoints_remove(BerthContainerRecord *record, const char *network) {
    if (g_strcmp0(network, record->network) == 0) {
        /* The aliases and addresses stay in the record, and are replaced if the network is
         * connected again (add_first). */
        berth_container_record_set_extra(record, LEFT, g_variant_new_boolean(TRUE));
        return;
    }
    g_autoptr(GPtrArray) additional_endpoints = list_additional_endpoints(record);
    for (guint i = 0; i < additional_endpoints->len; i++)
        if (g_str_equal(((const BerthNetworkEndpoint *)additional_endpoints->pdata[i])->network,
                        network))
            g_ptr_array_remove_index(additional_endpoints, i--);
    berth_container_record_set_extra(
        record, ADDITIONAL,
        additional_endpoints->len > 0 ? format_additional_endpoints(additional_endpoints) : NULL);
}

/* No container id contains an "@" (base/names.h), so a key corresponds to exactly one id. */
char *berth_network_endpoint_make_key(const char *id, const BerthNetworkEndpoint *endpoint) {
    return endpoint->first ? g_strdup(id) : g_strconcat(id, "@", endpoint->network, NULL);
}

char *berth_network_endpoint_read_id(const char *key) {
    return g_strndup(key, strcspn(key, "@"));
}
