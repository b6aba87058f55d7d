/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks and computes digests. There is no state. A digest has only one valid form, "algorithm:hex"
 * with the exact number of lower-case hexadecimal digits, so that digests can be compared as
 * strings and used as file names.
 */

#include "base/digest.h"

#include <string.h>

static const struct {
    const char *name;
    size_t hex_length;
} algorithms[] = {
    [BERTH_ALGORITHM_SHA256] = {"sha256", 64},
    [BERTH_ALGORITHM_SHA384] = {"sha384", 96},
    [BERTH_ALGORITHM_SHA512] = {"sha512", 128},
};

static bool find_digest_algorithm(const char *digest, size_t length, BerthAlgorithm *algorithm) {
    for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++)
        if (strlen(algorithms[i].name) == length &&
            strncmp(algorithms[i].name, digest, length) == 0) {
            *algorithm = i;
            return true;
        }
    return false;
}

bool berth_digest_parse(const char *digest, BerthAlgorithm *algorithm, GError **error) {
    const char *colon = strchr(digest, ':');
    BerthAlgorithm found;

    /* The separator is checked first: without it, there is no algorithm that could be unknown. */
    if (!colon || colon == digest || colon[1] == '\0' ||
        strspn(colon + 1, "0123456789abcdef") != strlen(colon + 1))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "invalid digest \"%.200s\": not of the form algorithm:hex", digest);
    if (!find_digest_algorithm(digest, colon - digest, &found))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "invalid digest \"%.200s\": unknown algorithm; known are sha256, "
                               "sha384 and sha512",
                               digest);
    if (strlen(colon + 1) != algorithms[found].hex_length)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "invalid digest \"%.200s\": wrong length, %s has %zu digits", digest,
                               algorithms[found].name, algorithms[found].hex_length);
    if (algorithm)
        *algorithm = found;
    return true;
}

bool berth_digest_is_valid(const char *digest) {
    return berth_digest_parse(digest, NULL, NULL);
}

bool berth_digest_is_contradicted(const char *digest, const char *claimed) {
    BerthAlgorithm wanted, offered;

    return berth_digest_parse(claimed, &offered, NULL) &&
           berth_digest_parse(digest, &wanted, NULL) && offered == wanted &&
           !g_str_equal(claimed, digest);
}

const char *berth_algorithm_get_name(BerthAlgorithm algorithm) {
    return algorithms[algorithm].name;
}

const char *berth_digest_get_hex(const char *digest) {
    const char *colon = strchr(digest, ':');

    g_assert(colon);
    return colon + 1;
}

/* The digest of "PARENT DIFF_ID" (image-spec, config.md, "Layer ChainID"). */
char *berth_chain_id_next(const char *parent, const char *diff_id) {
    if (!parent)
        return g_strdup(diff_id);

    g_autofree char *text = g_strconcat(parent, " ", diff_id, NULL);
    g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    return g_strconcat("sha256:", hex, NULL);
}
