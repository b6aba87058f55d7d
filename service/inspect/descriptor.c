/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a document says about an object becomes a path, a header and a limit elsewhere: all of it is
 * checked here, once for all documents (image-spec, descriptor.md). There is no state.
 */

#include "inspect/descriptor.h"

#include "base/digest.h"
#include "base/document.h"
#include "base/names.h"

#define MAX_BLOB_BYTES (1ull << 40)

BerthDescriptor *berth_descriptor_read_json(JsonObject *object, const char *fallback_type,
                                            GError **error) {
    const char *media_type, *digest;
    uint64_t size;

    if (!berth_document_get_string(object, "mediaType", &media_type, error) ||
        !berth_document_get_string(object, "digest", &digest, error) ||
        !berth_document_get_size(object, "size", &size, error))
        return NULL;
    if (!digest || (!fallback_type && (!media_type || !json_object_has_member(object, "size")))) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "a descriptor lacks its mediaType, digest or size");
        return NULL;
    }
    /* Media types are case-insensitive (RFC 6838 section 4.2). */
    g_autofree char *type = g_ascii_strdown(media_type ? media_type : fallback_type, -1);
    if (!berth_name_check_media_type(type, error) || !berth_digest_parse(digest, NULL, error))
        return NULL;
    if (size > MAX_BLOB_BYTES) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "a descriptor's size is %" G_GUINT64_FORMAT, size);
        return NULL;
    }
    return berth_descriptor_new(type, digest, size);
}
