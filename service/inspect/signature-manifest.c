/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lists the signatures in a manifest. Nothing of it is signed, so a list proves nothing:
 * berth-signature verifies each signature with its payload.
 */

#include "inspect/signature-manifest.h"

#include "base/digest.h"
#include "base/document.h"
#include "base/names.h"

#define PAYLOAD_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIGNATURE_ANNOTATION "dev.cosignproject.cosign/signature"

/* Each signature costs a download, and a verification for each key; those beyond the limit are
 * ignored. */
enum { MAX_SIGNATURES = 64 };

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
