/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A builder of JSON values: a stack of the objects and arrays that have begun and not ended. Calls
 * in an order that makes no JSON are errors of the program.
 */

#include "base/json.h"

struct _JsonBuilder {
    JsonNode *root;
    GPtrArray *open; /* lent by the nodes above them, the outermost by root */
    char *name;      /* of the next member */
};

JsonBuilder *json_builder_new(void) {
    JsonBuilder *builder = g_new0(JsonBuilder, 1);

    builder->open = g_ptr_array_new();
    return builder;
}

void json_builder_unref(JsonBuilder *builder) {
    g_clear_pointer(&builder->root, json_node_unref);
    g_ptr_array_unref(builder->open);
    g_free(builder->name);
    g_free(builder);
}

void json_builder_add_value(JsonBuilder *builder, JsonNode *node) {
    JsonNode *inside = builder->open->len > 0 ? builder->open->pdata[builder->open->len - 1] : NULL;

    if (!inside) {
        g_assert(!builder->root);
        builder->root = node;
    } else if (JSON_NODE_HOLDS_ARRAY(inside)) {
        json_array_add_element(json_node_get_array(inside), node);
    } else {
        g_assert(builder->name);
        json_object_set_member(json_node_get_object(inside), builder->name, node);
        g_clear_pointer(&builder->name, g_free);
    }
}

static void builder_begin(JsonBuilder *builder, JsonNode *node) {
    json_builder_add_value(builder, node);
    g_ptr_array_add(builder->open, node);
}

static void builder_end(JsonBuilder *builder, JsonNodeType type) {
    g_assert(builder->open->len > 0 && !builder->name &&
             JSON_NODE_HOLDS(builder->open->pdata[builder->open->len - 1], type));
    g_ptr_array_set_size(builder->open, (int)builder->open->len - 1);
}

void json_builder_begin_object(JsonBuilder *builder) {
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    json_node_take_object(node, json_object_new());
    builder_begin(builder, node);
}

void json_builder_end_object(JsonBuilder *builder) {
    builder_end(builder, JSON_NODE_OBJECT);
}

void json_builder_begin_array(JsonBuilder *builder) {
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);

    json_node_take_array(node, json_array_new());
    builder_begin(builder, node);
}

void json_builder_end_array(JsonBuilder *builder) {
    builder_end(builder, JSON_NODE_ARRAY);
}

void json_builder_set_member_name(JsonBuilder *builder, const char *name) {
    g_assert(!builder->name);
    builder->name = g_strdup(name);
}

void json_builder_add_string_value(JsonBuilder *builder, const char *value) {
    JsonNode *node = json_node_new(value ? JSON_NODE_STRING : JSON_NODE_NULL);

    if (value)
        json_node_set_string(node, value);
    json_builder_add_value(builder, node);
}

void json_builder_add_int_value(JsonBuilder *builder, int64_t value) {
    JsonNode *node = json_node_new(JSON_NODE_INT);

    json_node_set_int(node, value);
    json_builder_add_value(builder, node);
}

void json_builder_add_boolean_value(JsonBuilder *builder, bool value) {
    JsonNode *node = json_node_new(JSON_NODE_BOOLEAN);

    json_node_set_boolean(node, value);
    json_builder_add_value(builder, node);
}

JsonNode *json_builder_get_root(JsonBuilder *builder) {
    g_assert(builder->root && builder->open->len == 0);
    return json_node_ref(builder->root);
}
