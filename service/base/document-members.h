/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds documents: each call adds one member to an object. */

#pragma once

#include <json-glib/json-glib.h>

#include <stdbool.h>
#include <stdint.h>

/* Adds a member to the object that has been begun. */
void berth_document_add_string(JsonBuilder *builder, const char *member, const char *value);
/* Adds "" for NULL, so that a reader always finds a string. */
void berth_document_add_string_or_empty(JsonBuilder *builder, const char *member,
                                        const char *value);
void berth_document_add_int(JsonBuilder *builder, const char *member, int64_t value);
void berth_document_add_bool(JsonBuilder *builder, const char *member, bool value);
/* Adds an empty array if list is NULL. */
void berth_document_add_strings(JsonBuilder *builder, const char *member, char *const *list);

/* Writes the members of a descriptor into the object that has been begun (image-spec,
 * descriptor.md). */
void berth_document_add_descriptor(JsonBuilder *builder, const char *media_type, const char *digest,
                                   uint64_t size);
