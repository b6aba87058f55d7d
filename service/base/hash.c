/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A BerthHash belongs to one thread, which creates and frees it. Its digest can be requested at any
 * time: it is read from a copy of libgcrypt's state.
 */

#include "base/hash.h"

#include <gcrypt.h>

struct BerthHash {
    BerthAlgorithm algorithm;
    gcry_md_hd_t handle;
};

static int to_gcrypt(BerthAlgorithm algorithm) {
    switch (algorithm) {
    case BERTH_ALGORITHM_SHA384:
        return GCRY_MD_SHA384;
    case BERTH_ALGORITHM_SHA512:
        return GCRY_MD_SHA512;
    case BERTH_ALGORITHM_SHA256:
    default:
        return GCRY_MD_SHA256;
    }
}

/* Initialises libgcrypt once, before its first use; it detects the features of the processor.
 * Locked memory is disabled, since it is for secrets, of which there are none here. libgcrypt looks
 * for files in /etc and /proc. In a sandbox without files it does not find them; a worker that sees
 * a single directory must call this earlier, because libgcrypt would otherwise find the files that
 * this directory contains under these names. */
void berth_hash_prepare(void) {
    static gsize done;

    if (!g_once_init_enter(&done))
        return;
    if (!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
        if (!gcry_check_version(GCRYPT_VERSION))
            g_error("libgcrypt is older than the one that Berth was built with");
        gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
        gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    }
    g_once_init_leave(&done, 1);
}

BerthHash *berth_hash_new(BerthAlgorithm algorithm) {
    BerthHash *hash = g_new0(BerthHash, 1);

    berth_hash_prepare();
    hash->algorithm = algorithm;
    /* Fails only if memory runs out or the library is broken; nothing could be verified then. */
    if (gcry_md_open(&hash->handle, to_gcrypt(algorithm), 0) != 0)
        g_error("libgcrypt cannot compute %s", berth_algorithm_get_name(algorithm));
    return hash;
}

void berth_hash_free(BerthHash *hash) {
    if (!hash)
        return;
    gcry_md_close(hash->handle);
    g_free(hash);
}

void berth_hash_update(BerthHash *hash, const void *data, size_t size) {
    if (size > 0)
        gcry_md_write(hash->handle, data, size);
}

/* Reading the digest finishes a state, so it is read from a copy. */
char *berth_hash_get_digest(BerthHash *hash) {
    int algorithm = to_gcrypt(hash->algorithm);
    gcry_md_hd_t copy;

    if (gcry_md_copy(&copy, hash->handle) != 0)
        g_error("libgcrypt cannot copy a hash");
    const uint8_t *raw = gcry_md_read(copy, algorithm);
    GString *text = g_string_new(berth_algorithm_get_name(hash->algorithm));
    g_string_append_c(text, ':');
    for (unsigned i = 0; i < gcry_md_get_algo_dlen(algorithm); i++)
        g_string_append_printf(text, "%02x", raw[i]);
    gcry_md_close(copy);
    return g_string_free(text, FALSE);
}

char *berth_hash_data(BerthAlgorithm algorithm, const void *data, size_t size) {
    g_autoptr(BerthHash) hash = berth_hash_new(algorithm);

    berth_hash_update(hash, data, size);
    return berth_hash_get_digest(hash);
}
