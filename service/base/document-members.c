/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Adds members to a JSON object and values to an array. There is no state; what is added belongs to
 * the object or array.
 */

#include "base/document-members.h"

#include <stddef.h>

void berth_document_add_string(json_object *object, const char *member, const char *value) {
    json_object_object_add(object, member, json_object_new_string(value));
}

void berth_document_add_string_or_empty(json_object *object, const char *member,
                                        const char *value) {
    berth_document_add_string(object, member, value ? value : "");
}

void berth_document_add_int(json_object *object, const char *member, int64_t value) {
    json_object_object_add(object, member, json_object_new_int64(value));
}

void berth_document_add_uint(json_object *object, const char *member, uint64_t value) {
    json_object_object_add(object, member, json_object_new_uint64(value));
}

void berth_document_add_bool(json_object *object, const char *member, bool value) {
    json_object_object_add(object, member, json_object_new_boolean(value));
}

void berth_document_add_same(json_object *object, const char *member, json_object *value) {
    json_object_object_add(object, member, json_object_get(value));
}

json_object *berth_document_add_object(json_object *object, const char *member) {
    json_object *child = json_object_new_object();

    json_object_object_add(object, member, child);
    return child;
}

json_object *berth_document_add_array(json_object *object, const char *member) {
    json_object *child = json_object_new_array();

    json_object_object_add(object, member, child);
    return child;
}

json_object *berth_document_append_object(json_object *array) {
    json_object *child = json_object_new_object();

    json_object_array_add(array, child);
    return child;
}

void berth_document_append_string(json_object *array, const char *value) {
    json_object_array_add(array, json_object_new_string(value));
}

void berth_document_add_strings(json_object *object, const char *member, char *const *list) {
    json_object *array = berth_document_add_array(object, member);

    for (; list && *list; list++)
        berth_document_append_string(array, *list);
}

void berth_document_add_map(json_object *object, const char *member, char *const *pairs) {
    json_object *map = berth_document_add_object(object, member);

    for (; pairs && *pairs; pairs += 2)
        berth_document_add_string_or_empty(map, pairs[0], pairs[1]);
}

void berth_document_add_descriptor(json_object *object, const char *media_type, const char *digest,
                                   uint64_t size) {
    berth_document_add_string(object, "mediaType", media_type);
    berth_document_add_string(object, "digest", digest);
    berth_document_add_int(object, "size", (int64_t)size);
}
