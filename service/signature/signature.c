/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checking a signature keeps no state: the payload must be signed with one of the keys, and then
 * must name the digest and the repository. The order matters: nothing in a payload is parsed before
 * its signature has been verified.
 */

#include "signature/signature.h"

#include "base/document.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <string.h>

enum { P256_BITS = 256 };

/* Whether a reference is in the repository, with any tag or digest. */
static bool is_of_repository(const char *reference, const char *repository) {
    size_t length = strlen(repository);

    return g_str_has_prefix(reference, repository) &&
           (reference[length] == '\0' || reference[length] == ':' || reference[length] == '@');
}

/* Checks the signed bytes only; the annotations beside them are not signed. */
static bool check_payload(const BerthSignatureCheck *check, GError **error) {
    g_autoptr(json_object) root = berth_document_parse(check->payload, check->size, error);
    json_object *critical, *image = NULL, *identity = NULL;
    const char *digest = NULL, *reference = NULL;

    if (!root || !berth_document_get_object(root, "critical", &critical, error))
        return false;
    if (critical &&
        (!berth_document_get_object(critical, "image", &image, error) ||
         !berth_document_get_object(critical, "identity", &identity, error) ||
         (image && !berth_document_get_string(image, "docker-manifest-digest", &digest, error)) ||
         (identity && !berth_document_get_string(identity, "docker-reference", &reference, error))))
        return false;
    if (g_strcmp0(digest, check->digest) != 0)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the signature is for %.100s", digest ? digest : "no image");
    if (reference && reference[0] && !is_of_repository(reference, check->repository))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the signature is for an image of %.200s", reference);
    return true;
}

/* The algorithm follows from the key alone. The signer has no influence on it, and cannot choose a
 * weak one. */
static bool find_key_algorithm(gnutls_pubkey_t key, gnutls_sign_algorithm_t *algorithm) {
    unsigned bits = 0;
    int kind = gnutls_pubkey_get_pk_algorithm(key, &bits);

    *algorithm =
        kind == GNUTLS_PK_EDDSA_ED25519 ? GNUTLS_SIGN_EDDSA_ED25519 : GNUTLS_SIGN_ECDSA_SHA256;
    return kind == GNUTLS_PK_EDDSA_ED25519 || (kind == GNUTLS_PK_ECDSA && bits == P256_BITS);
}

static bool verify_with(const char *pem, const gnutls_datum_t *payload,
                        const gnutls_datum_t *signature, GError **error) {
    gnutls_datum_t text = {(unsigned char *)pem, (unsigned)strlen(pem)};
    gnutls_sign_algorithm_t algorithm;
    gnutls_pubkey_t key;
    bool done = false;

    if (gnutls_pubkey_init(&key) < 0)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "out of memory");
    if (gnutls_pubkey_import(key, &text, GNUTLS_X509_FMT_PEM) < 0)
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "a key is not a PEM public key");
    else if (!find_key_algorithm(key, &algorithm))
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                        "a key is neither ECDSA on P-256 nor Ed25519");
    else if (gnutls_pubkey_verify_data2(key, algorithm, 0, payload, signature) < 0)
        berth_error_set(
            error, BERTH_ERROR_FAILED_PRECONDITION,
            "the signature was made by none of the keys, or the signed content was changed");
    else
        done = true;
    gnutls_pubkey_deinit(key);
    return done;
}

/* *key is the index of the key that verifies the signature. */
bool berth_signature_verify(const BerthSignatureCheck *check, unsigned *key, GError **error) {
    gsize size = 0;
    g_autofree guchar *raw = g_base64_decode(check->signature, &size);
    const gnutls_datum_t payload = {(unsigned char *)check->payload, (unsigned)check->size};
    const gnutls_datum_t signature = {raw, (unsigned)size};
    bool verified = false;

    for (unsigned i = 0; check->keys && check->keys[i] && !verified; i++) {
        /* The error for the last key is the one to report. */
        g_clear_error(error);
        verified = verify_with(check->keys[i], &payload, &signature, error);
        *key = i;
    }
    if (!verified && error && !*error)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "there is no key to check with");
    return verified && check_payload(check, error);
}
