/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a document says about an object becomes a path, a header and a limit elsewhere: all of it is
 * checked here, once for all documents (image-spec, descriptor.md). There is no state.
 */

#include "inspect/descriptor.h"

#include "base/digest.h"
#include "base/document.h"
#include "base/limits.h"
#include "base/names.h"

#include <string.h>

#define MAX_BLOB_BYTES (1ull << 40)

/* Media types are case-insensitive (RFC 6838, section 4.2); parameters, which some registries copy
 * from Content-Type, do not belong to them. NULL if there is none. */
static char *normalize_type(const char *media_type, const char *fallback_type) {
    g_autofree char *type =
        media_type ? g_strndup(media_type, strcspn(media_type, ";")) : g_strdup("");

    g_strstrip(type);
    return type[0] ? g_ascii_strdown(type, -1) : g_strdup(fallback_type);
}

BerthDescriptor *berth_descriptor_read_json(json_object *object, const char *fallback_type,
                                            GError **error) {
    const char *media_type, *digest;
    uint64_t size;

    if (!berth_document_get_string(object, "mediaType", &media_type, error) ||
        !berth_document_get_string(object, "digest", &digest, error) ||
        !berth_document_get_size(object, "size", &size, error))
        return NULL;
    g_autofree char *type = normalize_type(media_type, fallback_type);
    if (!digest || !type) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "a descriptor lacks its mediaType, digest or size");
        return NULL;
    }
    if (!berth_name_check_media_type(type, error) || !berth_digest_parse(digest, NULL, error))
        return NULL;
    if (size > MAX_BLOB_BYTES) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "a descriptor's size is %" G_GUINT64_FORMAT, size);
        return NULL;
    }
    return berth_descriptor_new(type, digest, size);
}

BerthPlatform *berth_inspect_platform(json_object *object, GError **error) {
    static const char *const members[] = {"os", "architecture", "variant"};
    const char *parts[G_N_ELEMENTS(members)];

    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        if (!berth_document_get_string(object, members[i], &parts[i], error))
            return NULL;
        if (parts[i] && strlen(parts[i]) > BERTH_MAX_PLATFORM_BYTES) {
            berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                            "\"%s\" of the platform is longer than %u bytes", members[i],
                            BERTH_MAX_PLATFORM_BYTES);
            return NULL;
        }
    }
    return berth_platform_new(parts[0], parts[1], parts[2]);
}

bool berth_descriptor_read_platform(json_object *object, BerthPlatform **platform, GError **error) {
    json_object *member;

    if (!berth_document_get_object(object, "platform", &member, error))
        return false;
    return !member || (*platform = berth_inspect_platform(member, error));
}
