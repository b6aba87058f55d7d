/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of Create about a container's place in its network and about names. */

#pragma once

#include "containers/spec/options.h"

/* Of a place in a network. */
bool berth_network_check_aliases(char *const *aliases, uint32_t owner, GError **error);
bool berth_network_check_addresses(char *const *addresses, GError **error);
bool berth_network_check_mac(const char *text, GError **error);

bool berth_network_options_check(const BerthCreateOptions *options, GError **error);

/* Whether a name is not for the container of a user: one with a dot may be the Internet's, and
 * "localhost" is everybody's own (RFC 6761, 6.3). */
bool berth_network_is_others_name(const char *name);

/* Whether they ask for what only a network that Berth made has. */
bool berth_network_options_need_made(const BerthCreateOptions *options);

/* Keeps them in the record's extra. */
void berth_network_options_note(GVariantDict *extra, const BerthCreateOptions *options);

/* Lists of the record, as they were noted; empty if there are none. Freed with g_strfreev(). */
#define BERTH_NOTED_ALIASES "Aliases"
#define BERTH_NOTED_ADDRESSES "StaticAddresses"
#define BERTH_NOTED_MAC "MACAddress" /* a string */
#define BERTH_NOTED_SERVERS "DNS"
#define BERTH_NOTED_SEARCH "DNSSearch"
#define BERTH_NOTED_RESOLVER "DNSOptions"
#define BERTH_NOTED_HOSTS "Hosts"
char **berth_network_options_list(const BerthContainerRecord *record, const char *noted);
/* In small letters, so that it can be compared; NULL if none was given. Caller frees. */
char *berth_network_options_get_mac(const BerthContainerRecord *record);
