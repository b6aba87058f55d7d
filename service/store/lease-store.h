/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases: they keep content that nothing names yet, until they are deleted or expire. */

#pragma once

#include "store/database.h"

typedef struct {
    char *id;
    uint32_t owner; /* uid */
    uint64_t created_usec;
    uint64_t expires_usec; /* 0: never */
    char **labels;
    char **digests;
} BerthLease;

/* AlreadyExists if there is one of this id. */
bool berth_lease_store_create(BerthDatabase *database, const BerthLease *lease, GError **error);
/* NotFound if there is none, or if it has expired. Freed by the caller. */
BerthLease *berth_lease_store_get(BerthDatabase *database, const char *id, GError **error);
GPtrArray *berth_lease_store_list(BerthDatabase *database, GError **error);
/* For a caller that has looked up the lease before: adds nothing to a later lease of the same
 * id. */
bool berth_lease_store_add_to(BerthDatabase *database, const BerthLease *lease, const char *digest,
                              GError **error);
bool berth_lease_store_add(BerthDatabase *database, const char *id, const char *digest,
                           GError **error);
/* Whether a lease that has not expired keeps it, itself or through a document (reach.h). */
bool berth_lease_store_keeps(BerthDatabase *database, const char *digest);
bool berth_lease_store_delete(BerthDatabase *database, const char *id, GError **error);
/* Deletes those that have expired. */
bool berth_lease_store_expire(BerthDatabase *database, GError **error);

void berth_lease_free(BerthLease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthLease, berth_lease_free)
