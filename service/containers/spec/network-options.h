/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of Create about names, and about the container's endpoint in its network. */

#pragma once

#include "containers/spec/options.h"

/* These check the parts of an endpoint. */
bool berth_network_check_aliases(char *const *aliases, uint32_t owner, GError **error);
bool berth_network_check_addresses(char *const *addresses, GError **error);
bool berth_network_check_mac(const char *text, GError **error);

bool berth_network_options_check(const BerthCreateOptions *options, GError **error);

/* Returns true if a user's container must not have this name: one with a dot may exist on the
 * Internet, and every host calls itself "localhost" (RFC 6761, 6.3). */
bool berth_network_is_others_name(const char *name);

/* Returns true if the options require a network that Berth made. */
bool berth_network_options_need_made(const BerthCreateOptions *options);

/* Stores them in the extra of the record. */
void berth_network_options_store(GVariantDict *extra, const BerthCreateOptions *options);

/* In the record's extra: the lists as they were stored, empty if there are none. Freed with
 * g_strfreev(). */
#define BERTH_STORED_ALIASES "Aliases"
#define BERTH_STORED_ADDRESSES "StaticAddresses"
#define BERTH_STORED_MAC "MACAddress" /* In the record's extra: a string. */
#define BERTH_STORED_SERVERS "DNS"
#define BERTH_STORED_SEARCH "DNSSearch"
#define BERTH_STORED_RESOLVER "DNSOptions"
#define BERTH_STORED_HOSTS "Hosts"
char **berth_network_options_list(const BerthContainerRecord *record, const char *noted);
/* In lower case, for comparisons; NULL if none was given. The caller frees it. */
char *berth_network_options_get_mac(const BerthContainerRecord *record);
