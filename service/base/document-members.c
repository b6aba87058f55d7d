/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Adds members to a JSON object being built. There is no state. Separate from document.c, since
 * dist, which loads json-glib lazily (client/json-library.c), reads documents but builds none with
 * these functions.
 */

#include "base/document-members.h"

void berth_document_add_string(JsonBuilder *builder, const char *member, const char *value) {
    json_builder_set_member_name(builder, member);
    json_builder_add_string_value(builder, value);
}

void berth_document_add_string_or_empty(JsonBuilder *builder, const char *member,
                                        const char *value) {
    berth_document_add_string(builder, member, value ? value : "");
}

void berth_document_add_int(JsonBuilder *builder, const char *member, int64_t value) {
    json_builder_set_member_name(builder, member);
    json_builder_add_int_value(builder, value);
}

void berth_document_add_bool(JsonBuilder *builder, const char *member, bool value) {
    json_builder_set_member_name(builder, member);
    json_builder_add_boolean_value(builder, value);
}

void berth_document_add_strings(JsonBuilder *builder, const char *member, char *const *list) {
    json_builder_set_member_name(builder, member);
    json_builder_begin_array(builder);
    for (; list && *list; list++)
        json_builder_add_string_value(builder, *list);
    json_builder_end_array(builder);
}

void berth_document_add_descriptor(JsonBuilder *builder, const char *media_type, const char *digest,
                                   uint64_t size) {
    berth_document_add_string(builder, "mediaType", media_type);
    berth_document_add_string(builder, "digest", digest);
    berth_document_add_int(builder, "size", (int64_t)size);
}
