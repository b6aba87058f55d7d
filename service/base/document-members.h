/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds documents: each call adds one member to an object. */

#pragma once

#include <json-c/json.h>

#include <stdbool.h>
#include <stdint.h>

/* Adds a member to an object. A string must not be NULL. */
void berth_document_add_string(json_object *object, const char *member, const char *value);
/* Adds "" for NULL, so that a reader always finds a string. */
void berth_document_add_string_or_empty(json_object *object, const char *member, const char *value);
void berth_document_add_int(json_object *object, const char *member, int64_t value);
void berth_document_add_uint(json_object *object, const char *member, uint64_t value);
void berth_document_add_bool(json_object *object, const char *member, bool value);
/* Adds the member with a value that is part of a document, this one or another. */
void berth_document_add_same(json_object *object, const char *member, json_object *value);
/* Adds an empty array if list is NULL. */
void berth_document_add_strings(json_object *object, const char *member, char *const *list);
/* Adds an object of strings, from keys that are each followed by its value; an empty one for NULL.
 */
void berth_document_add_map(json_object *object, const char *member, char *const *pairs);

/* Add an empty object or array, which belongs to the document, and return it. */
json_object *berth_document_add_object(json_object *object, const char *member);
json_object *berth_document_add_array(json_object *object, const char *member);
/* Appends an empty object to an array, to which it belongs, and returns it. */
json_object *berth_document_append_object(json_object *array);
void berth_document_append_string(json_object *array, const char *value);

/* Adds the members of a descriptor to an object (image-spec, descriptor.md). */
void berth_document_add_descriptor(json_object *object, const char *media_type, const char *digest,
                                   uint64_t size);
