/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A BerthHash belongs to one thread. Its digest can be asked for at any time: gnutls is given a
 * copy of its state for that. */

#include "base/hash.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum { MAX_HASH_BYTES = 64 };

struct BerthHash {
    BerthAlgorithm algorithm;
    gnutls_hash_hd_t handle;
};

static gnutls_digest_algorithm_t to_gnutls(BerthAlgorithm algorithm) {
    switch (algorithm) {
    case BERTH_ALGORITHM_SHA384:
        return GNUTLS_DIG_SHA384;
    case BERTH_ALGORITHM_SHA512:
        return GNUTLS_DIG_SHA512;
    case BERTH_ALGORITHM_SHA256:
    default:
        return GNUTLS_DIG_SHA256;
    }
}

BerthHash *berth_hash_new(BerthAlgorithm algorithm) {
    BerthHash *hash = g_new0(BerthHash, 1);

    hash->algorithm = algorithm;
    /* Fails only without memory or in a broken library: nothing could be verified then. */
    if (gnutls_hash_init(&hash->handle, to_gnutls(algorithm)) < 0)
        g_error("gnutls cannot compute %s", berth_algorithm_get_name(algorithm));
    return hash;
}

void berth_hash_free(BerthHash *hash) {
    if (!hash)
        return;
    gnutls_hash_deinit(hash->handle, NULL);
    g_free(hash);
}

void berth_hash_update(BerthHash *hash, const void *data, size_t size) {
    if (size > 0)
        gnutls_hash(hash->handle, data, size);
}

char *berth_hash_get_digest(BerthHash *hash) {
    uint8_t raw[MAX_HASH_BYTES];
    gnutls_hash_hd_t copy = gnutls_hash_copy(hash->handle);

    if (!copy)
        g_error("gnutls cannot copy a hash");
    gnutls_hash_deinit(copy, raw);
    GString *text = g_string_new(berth_algorithm_get_name(hash->algorithm));
    g_string_append_c(text, ':');
    for (unsigned i = 0; i < gnutls_hash_get_len(to_gnutls(hash->algorithm)); i++)
        g_string_append_printf(text, "%02x", raw[i]);
    return g_string_free(text, FALSE);
}
