/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What documents are built with: members of an object, added by one call each. */

#pragma once

#include <json-glib/json-glib.h>

#include <stdbool.h>
#include <stdint.h>

/* Adds a member to the object that was begun. */
void berth_document_add_string(JsonBuilder *builder, const char *member, const char *value);
/* "" for NULL, so that a reader always finds a string. */
void berth_document_add_string_or_empty(JsonBuilder *builder, const char *member,
                                        const char *value);
void berth_document_add_int(JsonBuilder *builder, const char *member, int64_t value);
void berth_document_add_bool(JsonBuilder *builder, const char *member, bool value);
/* list: NULL for an empty array. */
void berth_document_add_strings(JsonBuilder *builder, const char *member, char *const *list);

/* Writes a descriptor's members into the object that was begun (image-spec, descriptor.md). */
void berth_document_add_descriptor(JsonBuilder *builder, const char *media_type, const char *digest,
                                   uint64_t size);
