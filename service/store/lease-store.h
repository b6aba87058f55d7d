/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases: they keep content that does not have a name yet, until they are deleted or expire. */

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

/* Fails with AlreadyExists if there is a lease with this ID. */
bool berth_lease_store_create(BerthDatabase *database, const BerthLease *lease, GError **error);
/* Fails with NotFound if there is none, or if it has expired. The caller frees it. */
BerthLease *berth_lease_store_get(BerthDatabase *database, const char *id, GError **error);
/* Returns all BerthLeases that have not expired. */
GPtrArray *berth_lease_store_list(BerthDatabase *database, GError **error);
/* Adds a digest to the lease that the caller has looked up, and nothing to a later lease with the
 * same ID, which may belong to another user. Does nothing if the lease no longer exists. */
bool berth_lease_store_add(BerthDatabase *database, const BerthLease *lease, const char *digest,
                           GError **error);
/* Whether an unexpired lease keeps the content, directly or through a document (reach.h). */
bool berth_lease_store_keeps(BerthDatabase *database, const char *digest);
bool berth_lease_store_delete(BerthDatabase *database, const char *id, GError **error);
/* Deletes expired leases. */
bool berth_lease_store_expire(BerthDatabase *database, GError **error);

void berth_lease_free(BerthLease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthLease, berth_lease_free)
