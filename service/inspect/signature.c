/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checking a signature keeps no state: the payload must be signed with one of the keys, and then
 * must name the digest and the repository. The order matters: nothing in a payload is parsed before
 * its signature has been verified.
 */

#include "inspect/signature.h"

#include "base/digest.h"
#include "base/document.h"
#include "base/names.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <string.h>

#define PAYLOAD_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIGNATURE_ANNOTATION "dev.cosignproject.cosign/signature"

/* Each signature costs a download, and a verification for each key; those beyond the limit are
 * ignored. */
enum { MAX_SIGNATURES = 64, P256_BITS = 256 };

static void free_signature(gpointer data) {
    BerthSignature *signature = data;

    berth_descriptor_free(signature->payload);
    g_free(signature->signature);
    g_free(signature);
}

/* A layer of another type, or without a signature, serves another purpose and is skipped. */
static bool add_layer(GPtrArray *signatures, json_object *layer, GError **error) {
    const char *media_type, *digest, *text = NULL;
    json_object *annotations;
    uint64_t size;

    if (!berth_document_get_string(layer, "mediaType", &media_type, error) ||
        !berth_document_get_string(layer, "digest", &digest, error) ||
        !berth_document_get_size(layer, "size", &size, error) ||
        !berth_document_get_object(layer, "annotations", &annotations, error) ||
        (annotations &&
         !berth_document_get_string(annotations, SIGNATURE_ANNOTATION, &text, error)))
        return false;
    if (g_strcmp0(media_type, PAYLOAD_TYPE) != 0 || !text)
        return true;
    if (!digest || !berth_digest_parse(digest, NULL, error))
        return digest != NULL || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                                 "a signature's payload has no digest");
    BerthSignature *signature = g_new0(BerthSignature, 1);
    signature->payload = berth_descriptor_new(media_type, digest, size);
    signature->signature = g_strdup(text);
    g_ptr_array_add(signatures, signature);
    return true;
}

GPtrArray *berth_signatures_read(const char *data, size_t size, GError **error) {
    g_autoptr(GPtrArray) signatures = g_ptr_array_new_with_free_func(free_signature);
    g_autoptr(json_object) root = berth_document_parse(data, size, error);
    json_object *layers;

    if (!root || !berth_document_get_array(root, "layers", &layers, error))
        return NULL;
    for (guint i = 0; layers && i < json_object_array_length(layers); i++) {
        json_object *layer = json_object_array_get_idx(layers, i);
        if (signatures->len >= MAX_SIGNATURES)
            break;
        if (json_object_is_type(layer, json_type_object) && !add_layer(signatures, layer, error))
            return NULL;
    }
    return g_steal_pointer(&signatures);
}

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
