/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keys of ingests: "OWNER PURPOSE REFERENCE". The reference comes last since it may contain
 * spaces. There is no state. */

#include "store/content-store.h"

#include <string.h>

static const char *const purposes[] = {"client", "transfer"};

char *berth_ingest_key_new(uint32_t owner, BerthIngestPurpose purpose, const char *ref) {
    return g_strdup_printf("%u %s %s", owner, purposes[purpose], ref);
}

const char *berth_ingest_key_get_ref(const char *key) {
    const char *space = strchr(key, ' ');

    space = space ? strchr(space + 1, ' ') : NULL;
    return space ? space + 1 : key;
}

bool berth_ingest_key_is_lasting(const char *key) {
    const char *space = strchr(key, ' ');

    return !space || !g_str_has_prefix(space + 1, purposes[BERTH_INGEST_OF_TRANSFER]) ||
           g_str_has_prefix(berth_ingest_key_get_ref(key), BERTH_INGEST_OF_BLOB);
}
