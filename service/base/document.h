/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * JSON documents. json-glib parses recursively without a limit of its own, so size and depth are
 * checked before it gets any data. The getters below make no assumptions about the types of
 * members.
 */

#pragma once

#include "base/error.h"

#include <json-glib/json-glib.h>

/* How deeply arrays and objects may be nested (their size: base/limits.h). */
#define BERTH_DOCUMENT_MAX_DEPTH 64u

/* Parses data as one JSON object. Errors are InvalidArgument or LimitExceeded. */
JsonNode *berth_document_parse(const char *data, size_t size, GError **error);
/* Like berth_document_parse, for a file of at most limit bytes below a directory, or AT_FDCWD. A
 * path that ends in a symbolic link is refused. */
JsonNode *berth_document_read(int directory, const char *path, size_t limit, GError **error);

/* Members of an object. A missing member is NULL (0 for a size) without an error; one of another
 * type leads to InvalidArgument, naming the member. Strings belong to the document. */
bool berth_document_get_string(JsonObject *object, const char *member, const char **value,
                               GError **error);
bool berth_document_get_object(JsonObject *object, const char *member, JsonObject **value,
                               GError **error);
bool berth_document_get_array(JsonObject *object, const char *member, JsonArray **value,
                              GError **error);
/* Accepts non-negative integers only, as sizes are. */
bool berth_document_get_size(JsonObject *object, const char *member, uint64_t *value,
                             GError **error);
bool berth_document_get_int(JsonObject *object, const char *member, int64_t *value, GError **error);
bool berth_document_get_bool(JsonObject *object, const char *member, bool *value, GError **error);

/* Reads an array of objects; array is NULL if the member is missing. */
bool berth_document_get_objects(JsonObject *object, const char *member, JsonArray **array,
                                GError **error);

/* Reads an array of strings into a new vector, which is empty if the member is missing or null. */
bool berth_document_get_strings(JsonObject *object, const char *member, char ***value,
                                GError **error);

/* Parsed documents are immutable: returns a new object with the same members, or an empty one for
 * NULL. */
JsonObject *berth_document_copy(JsonObject *object);

/* Returns an object as text, which the caller frees. */
char *berth_document_print(JsonObject *object, bool pretty);

/* Reads the keys of an object whose values do not matter ("Volumes") or, with_values, those of a
 * map of strings, each followed by its value. */
bool berth_document_get_keys(JsonObject *object, const char *member, bool with_values,
                             char ***value, GError **error);
