/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * JSON (RFC 8259): values in memory, a parser with a limit of its own, a builder and a printer. The
 * functions are named and used as those of json-glib, which is not used itself: it brings GObject,
 * GIO and seven more libraries, which every process would load, relocate and keep in memory
 * (docs/performance.md).
 *
 * Nodes, objects, arrays and builders are counted references. Names and strings are UTF-8 without
 * null bytes. Functions named "get" lend, functions named "take" and "add_..._element" or
 * "set_..._member" with a node, an object or an array take over the caller's reference.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    JSON_NODE_NULL,
    JSON_NODE_BOOLEAN,
    JSON_NODE_INT,    /* a number without fraction and exponent that fits into 64 bits */
    JSON_NODE_DOUBLE, /* any other number */
    JSON_NODE_STRING,
    JSON_NODE_ARRAY,
    JSON_NODE_OBJECT,
} JsonNodeType;

typedef struct _JsonNode JsonNode;
typedef struct _JsonObject JsonObject;
typedef struct _JsonArray JsonArray;
typedef struct _JsonBuilder JsonBuilder;

/* Parses one value, nested at most max_depth levels deep, of UTF-8 text. Stricter than RFC 8259 in
 * one way: no number beyond a double. "\u0000", which no string here can hold, is read as U+FFFD.
 * Of members with the same name the last one counts. Errors are InvalidArgument or LimitExceeded.
 */
JsonNode *json_parse(const char *data, size_t size, unsigned max_depth, GError **error);
/* One line, or pretty: a member a line, indented by two spaces. The caller frees it. */
char *json_to_string(const JsonNode *node, bool pretty);

/* A node of a type whose value is not set yet: a string, an array or an object is to be given. */
JsonNode *json_node_new(JsonNodeType type);
/* Shares objects and arrays with the node. */
JsonNode *json_node_copy(const JsonNode *node);
JsonNode *json_node_ref(JsonNode *node);
void json_node_unref(JsonNode *node);
JsonNodeType json_node_get_node_type(const JsonNode *node);
/* NULL, 0 or false for a node of another type. */
JsonObject *json_node_get_object(const JsonNode *node);
JsonArray *json_node_get_array(const JsonNode *node);
const char *json_node_get_string(const JsonNode *node);
int64_t json_node_get_int(const JsonNode *node);
double json_node_get_double(const JsonNode *node);
bool json_node_get_boolean(const JsonNode *node);
/* Of a new node of the value's type. */
void json_node_set_object(JsonNode *node, JsonObject *object);
void json_node_take_object(JsonNode *node, JsonObject *object);
void json_node_take_array(JsonNode *node, JsonArray *array);
void json_node_set_string(JsonNode *node, const char *value);
void json_node_take_string(JsonNode *node, char *value);
void json_node_set_int(JsonNode *node, int64_t value);
void json_node_set_double(JsonNode *node, double value);
void json_node_set_boolean(JsonNode *node, bool value);

#define JSON_NODE_HOLDS(node, type) (json_node_get_node_type(node) == (type))
#define JSON_NODE_HOLDS_NULL(node) JSON_NODE_HOLDS(node, JSON_NODE_NULL)
#define JSON_NODE_HOLDS_INT(node) JSON_NODE_HOLDS(node, JSON_NODE_INT)
#define JSON_NODE_HOLDS_STRING(node) JSON_NODE_HOLDS(node, JSON_NODE_STRING)
#define JSON_NODE_HOLDS_ARRAY(node) JSON_NODE_HOLDS(node, JSON_NODE_ARRAY)
#define JSON_NODE_HOLDS_OBJECT(node) JSON_NODE_HOLDS(node, JSON_NODE_OBJECT)

/* Members keep the order in which their names were first set. */
JsonObject *json_object_new(void);
JsonObject *json_object_ref(JsonObject *object);
void json_object_unref(JsonObject *object);
unsigned json_object_get_size(const JsonObject *object);
bool json_object_has_member(JsonObject *object, const char *name);
/* NULL if there is none. */
JsonNode *json_object_get_member(JsonObject *object, const char *name);
/* NULL or false if there is none, or it is of another type. */
JsonObject *json_object_get_object_member(JsonObject *object, const char *name);
JsonArray *json_object_get_array_member(JsonObject *object, const char *name);
const char *json_object_get_string_member(JsonObject *object, const char *name);
bool json_object_get_boolean_member(JsonObject *object, const char *name);
/* The names, in order: the list is the caller's, the names are the object's. */
GList *json_object_get_members(const JsonObject *object);
/* The name and the value at a position below json_object_get_size(). */
const char *json_object_get_name_at(const JsonObject *object, unsigned position);
JsonNode *json_object_get_node_at(const JsonObject *object, unsigned position);
void json_object_set_member(JsonObject *object, const char *name, JsonNode *node);
void json_object_set_object_member(JsonObject *object, const char *name, JsonObject *value);
void json_object_set_array_member(JsonObject *object, const char *name, JsonArray *value);
/* NULL is null. */
void json_object_set_string_member(JsonObject *object, const char *name, const char *value);
void json_object_set_int_member(JsonObject *object, const char *name, int64_t value);
void json_object_set_boolean_member(JsonObject *object, const char *name, bool value);
void json_object_remove_member(JsonObject *object, const char *name);

JsonArray *json_array_new(void);
JsonArray *json_array_ref(JsonArray *array);
void json_array_unref(JsonArray *array);
unsigned json_array_get_length(const JsonArray *array);
JsonNode *json_array_get_element(const JsonArray *array, unsigned position);
/* NULL if the element is of another type. */
JsonObject *json_array_get_object_element(const JsonArray *array, unsigned position);
void json_array_add_element(JsonArray *array, JsonNode *node);
void json_array_add_object_element(JsonArray *array, JsonObject *value);
void json_array_add_string_element(JsonArray *array, const char *value);
void json_array_add_int_element(JsonArray *array, int64_t value);

/* Builds one value by calls in the order of its text. In an object each value follows its name. */
JsonBuilder *json_builder_new(void);
void json_builder_unref(JsonBuilder *builder);
void json_builder_begin_object(JsonBuilder *builder);
void json_builder_end_object(JsonBuilder *builder);
void json_builder_begin_array(JsonBuilder *builder);
void json_builder_end_array(JsonBuilder *builder);
void json_builder_set_member_name(JsonBuilder *builder, const char *name);
void json_builder_add_value(JsonBuilder *builder, JsonNode *node);
/* NULL is null. */
void json_builder_add_string_value(JsonBuilder *builder, const char *value);
void json_builder_add_int_value(JsonBuilder *builder, int64_t value);
void json_builder_add_boolean_value(JsonBuilder *builder, bool value);
/* A reference to what was built, once all of it has ended. */
JsonNode *json_builder_get_root(JsonBuilder *builder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonNode, json_node_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonObject, json_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonArray, json_array_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonBuilder, json_builder_unref)
