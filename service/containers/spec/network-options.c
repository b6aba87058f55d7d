/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks options that become lines of resolv.conf and /etc/hosts, names for a name server, and
 * addresses; and stores them in the record, from which each start reads them. There is no state
 * here.
 */

#include "containers/spec/network-options.h"

#include "base/subnet.h"

#include <string.h>
#include <sys/socket.h>

/* The limits of glibc (resolv.conf(5)). */
enum {
    MAX_SERVERS = 3,
    MAX_DOMAINS = 32,
    MAX_ALIASES = 32,
    MAX_HOSTS = 256,
    MAX_LABEL = 63,
    MAC_LENGTH = 17
};

#define MAX_DOMAIN 253

/* A DNS name, with labels of letters, digits, "-" and "_". */
static bool is_domain(const char *text) {
    size_t label = 0;

    for (const char *c = text; *c; c++) {
        bool dot = *c == '.';
        if ((dot && label == 0) || !(dot || g_ascii_isalnum(*c) || *c == '-' || *c == '_') ||
            (label == 0 && *c == '-'))
            return false;
        label = dot ? 0 : label + 1;
        if (label > MAX_LABEL)
            return false;
    }
    return text[0] && strlen(text) <= MAX_DOMAIN;
}

static bool check_count(char *const *list, unsigned limit, const char *option, GError **error) {
    return !list || g_strv_length((char **)list) <= limit ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "the option %s has %u values; at most %u are allowed", option,
                           g_strv_length((char **)list), limit);
}

/* Other containers look up such names on the Internet or on the host. A container that had one as
 * an alias would receive traffic that is not meant for it. */
bool berth_network_is_others_name(const char *name) {
    return strchr(name, '.') || g_ascii_strcasecmp(name, "localhost") == 0;
}

bool berth_network_check_aliases(char *const *aliases, uint32_t owner, GError **error) {
    for (char *const *alias = aliases; alias && *alias; alias++) {
        if (!is_domain(*alias))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid alias \"%.100s\": not a name", *alias);
        if (owner != 0 && berth_network_is_others_name(*alias))
            return berth_error_set(
                error, BERTH_ERROR_INVALID_ARGUMENT,
                "invalid alias \"%.100s\": only root may take a name with a dot, "
                "or localhost",
                *alias);
    }
    return check_count(aliases, MAX_ALIASES, "Aliases", error);
}

/* Whether the network has such an address, and whether it is free, is checked at each start. */
bool berth_network_check_addresses(char *const *addresses, GError **error) {
    unsigned four = 0, six = 0;

    for (char *const *text = addresses; text && *text; text++) {
        BerthSubnet address;
        if (!berth_subnet_parse_address(*text, &address))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid address \"%.100s\"", *text);
        four += address.family == AF_INET;
        six += address.family == AF_INET6;
    }
    return (four <= 1 && six <= 1) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "a container has one IPv4 and one IPv6 address");
}

/* The address of a single interface: the first bit transmitted, the lowest of the first byte, marks
 * group addresses (IEEE 802). */
bool berth_network_check_mac(const char *text, GError **error) {
    bool good = !text || strlen(text) == MAC_LENGTH;

    for (size_t i = 0; text && good && i < MAC_LENGTH; i++)
        good = i % 3 == 2 ? text[i] == ':' : g_ascii_isxdigit(text[i]);
    return (good && (!text || (g_ascii_xdigit_value(text[1]) & 1) == 0)) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "invalid hardware address \"%.100s\"", text);
}

static bool check_servers(const BerthCreateOptions *options, GError **error) {
    for (char **text = options->servers; text && *text; text++) {
        BerthSubnet address;
        if (!berth_subnet_parse_address(*text, &address))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid name server \"%.100s\": not an address", *text);
    }
    return check_count(options->servers, MAX_SERVERS, "DNS", error);
}

/* One word of the "options" line. */
static bool is_resolver_option(const char *text) {
    for (const char *c = text; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("-:._", *c))
            return false;
    return text[0] != '\0';
}

static bool check_search(const BerthCreateOptions *options, GError **error) {
    for (char **text = options->search; text && *text; text++)
        if (!is_domain(*text) && !g_str_equal(*text, "."))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid search domain \"%.100s\"", *text);
    for (char **text = options->resolver_options; text && *text; text++)
        if (!is_resolver_option(*text))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid option of the resolver \"%.100s\"", *text);
    return check_count(options->search, MAX_DOMAINS, "DNSSearch", error) &&
           check_count(options->resolver_options, MAX_DOMAINS, "DNSOptions", error);
}

static bool check_hosts(const BerthCreateOptions *options, GError **error) {
    for (char **text = options->hosts; text && *text; text++) {
        const char *colon = strchr(*text, ':');
        g_autofree char *name = colon ? g_strndup(*text, (size_t)(colon - *text)) : g_strdup("");
        BerthSubnet address;
        if (!is_domain(name) || (!berth_subnet_parse_address(colon + 1, &address) &&
                                 !g_str_equal(colon + 1, BERTH_HOST_GATEWAY)))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid host \"%.100s\": not of the form NAME:ADDRESS", *text);
    }
    return check_count(options->hosts, MAX_HOSTS, "Hosts", error);
}

bool berth_network_options_check(const BerthCreateOptions *options, GError **error) {
    return berth_network_check_aliases(options->aliases, options->owner, error) &&
           berth_network_check_addresses(options->addresses, error) &&
           berth_network_check_mac(options->mac, error) && check_servers(options, error) &&
           check_search(options, error) && check_hosts(options, error);
}

/* In a CNI network the plugins choose these, so the option would have no effect. */
bool berth_network_options_need_made(const BerthCreateOptions *options) {
    return (options->aliases && options->aliases[0]) ||
           (options->addresses && options->addresses[0]) || options->mac;
}

void berth_network_options_store(GVariantDict *extra, const BerthCreateOptions *options) {
    const struct {
        const char *key;
        char **list;
    } lists[] = {
        {BERTH_STORED_ALIASES, options->aliases},
        {BERTH_STORED_ADDRESSES, options->addresses},
        {BERTH_STORED_SERVERS, options->servers},
        {BERTH_STORED_SEARCH, options->search},
        {BERTH_STORED_RESOLVER, options->resolver_options},
        {BERTH_STORED_HOSTS, options->hosts},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        if (lists[i].list && lists[i].list[0])
            g_variant_dict_insert_value(extra, lists[i].key,
                                        g_variant_new_strv((const char *const *)lists[i].list, -1));
    if (options->mac)
        g_variant_dict_insert(extra, BERTH_STORED_MAC, "s", options->mac);
}

char **berth_network_options_list(const BerthContainerRecord *record, const char *noted) {
    g_autoptr(GVariant) value =
        berth_container_record_get_extra(record, noted, G_VARIANT_TYPE_STRING_ARRAY);

    return value ? g_variant_dup_strv(value, NULL) : g_new0(char *, 1);
}

char *berth_network_options_get_mac(const BerthContainerRecord *record) {
    g_autoptr(GVariant) value =
        berth_container_record_get_extra(record, BERTH_STORED_MAC, G_VARIANT_TYPE_STRING);

    return value ? g_ascii_strdown(g_variant_get_string(value, NULL), -1) : NULL;
}
