/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Place is what a container has, or is to have, in one network. The first is in the network that
 * Create named, with the options of Create; it has no row of its own in the record. Further ones
 * come from Create, too, or from ConnectNetwork.
 */

#pragma once

#include "store/container-record.h"

#include "base/error.h"

typedef struct {
    char *network;
    char **aliases;   /* further names */
    char **addresses; /* one of a family at most */
    char *mac;        /* NULL: any */
    bool first;       /* the one that ports are forwarded to */
} BerthNetworkPlace;

/* Everything is copied; lists may be NULL. */
BerthNetworkPlace *berth_place_new(const char *network, char *const *aliases,
                                   char *const *addresses, const char *mac);
void berth_place_free(gpointer place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthNetworkPlace, berth_place_free)

/* Whether the network has a name of its own, and the names and addresses are well formed. */
bool berth_place_check(const BerthNetworkPlace *place, uint32_t owner, GError **error);
/* The same for further ones, which differ in their networks, and from the first. */
bool berth_places_check(const GPtrArray *further, const char *first, uint32_t owner,
                        GError **error);

/* Those that the record has, the first one first if it was not left; the array owns them. */
GPtrArray *berth_places_list(const BerthContainerRecord *record);
/* NULL if the container is not in the network. The caller frees it. */
BerthNetworkPlace *berth_places_find(const BerthContainerRecord *record, const char *network);
bool berth_places_has(const BerthContainerRecord *record, const char *network);
/* Caller frees. */
char **berth_places_list_networks(const BerthContainerRecord *record);

/* Changes the record, which is not written. Adding the network of Create makes it the first again.
 */
void berth_places_add(BerthContainerRecord *record, const BerthNetworkPlace *place);
void berth_places_remove(BerthContainerRecord *record, const char *network);

/* Keeps further places in the record's extra; NULL for none. */
void berth_places_note(GVariantDict *extra, const GPtrArray *further);

/* The name of its documents in networks/, without the suffix, and of its lease: the container's id
 * and, of a further one, the network. No id has an "@". Caller frees. */
char *berth_place_make_key(const char *id, const BerthNetworkPlace *place);
/* The id in such a name; caller frees. */
char *berth_place_read_id(const char *key);
