/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * JSON documents, read with json-c. Size and depth are limited; the getters below make no
 * assumptions about the types of members. A value is released with json_object_put(), which
 * g_autoptr(json_object) calls; json-c has one type for all kinds of values.
 */

#pragma once

#include "base/error.h"

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_object, json_object_put)

/* How deeply arrays and objects may be nested (their size: base/limits.h). */
#define BERTH_DOCUMENT_MAX_DEPTH 64u
/* An empty object takes nearly 800 bytes of memory: without a limit, a document would take more
 * than 200 times its size. All objects together take at most 100 MiB. Braces in strings count too.
 */
#define BERTH_DOCUMENT_MAX_OBJECTS (128u * 1024)

/* Parses data as one JSON object. Errors are InvalidArgument or LimitExceeded. */
json_object *berth_document_parse(const char *data, size_t size, GError **error);
/* Like berth_document_parse, for a file of at most limit bytes below a directory, or AT_FDCWD. A
 * path that ends in a symbolic link is refused. */
json_object *berth_document_read(int directory, const char *path, size_t limit, GError **error);

/* Members of an object. A missing member is NULL (0 for a size) without an error; one of another
 * type leads to InvalidArgument, naming the member. Strings belong to the document. */
bool berth_document_get_string(json_object *object, const char *member, const char **value,
                               GError **error);
bool berth_document_get_object(json_object *object, const char *member, json_object **value,
                               GError **error);
bool berth_document_get_array(json_object *object, const char *member, json_object **value,
                              GError **error);
/* Accepts non-negative integers only, as sizes are. */
bool berth_document_get_size(json_object *object, const char *member, uint64_t *value,
                             GError **error);
bool berth_document_get_int(json_object *object, const char *member, int64_t *value,
                            GError **error);
bool berth_document_get_bool(json_object *object, const char *member, bool *value, GError **error);

/* Reads an array of objects; array is NULL if the member is missing. */
bool berth_document_get_objects(json_object *object, const char *member, json_object **array,
                                GError **error);

/* Reads an array of strings into a new vector, which is empty if the member is missing or null. */
bool berth_document_get_strings(json_object *object, const char *member, char ***value,
                                GError **error);

/* Returns a new object with the same members, or an empty one for NULL. The members' values are
 * shared with the original, which must not be changed through them. */
json_object *berth_document_copy(json_object *object);

/* Returns a value as text, which the caller frees. */
char *berth_document_print(json_object *value, bool pretty);

/* Reads the keys of an object whose values do not matter ("Volumes") or, with_values, those of a
 * map of strings, each followed by its value. */
bool berth_document_get_keys(json_object *object, const char *member, bool with_values,
                             char ***value, GError **error);
