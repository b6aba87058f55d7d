/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * JSON values in memory. An object is an array of its members, in which a name is searched one
 * after the other while they are few, and by a hash table (the index, made when it is first needed)
 * once they are many: what is parsed comes from outside and may have a million members.
 */

#include "base/json.h"

/* Up to here comparing names takes no longer than hashing one. */
#define SEARCHED_MEMBERS 16u

struct _JsonNode {
    unsigned references;
    JsonNodeType type;
    union {
        bool boolean;
        int64_t integer;
        double number;
        char *string;
        JsonArray *array;
        JsonObject *object;
    };
};

typedef struct {
    char *name;
    JsonNode *node;
} Member;

struct _JsonObject {
    unsigned references;
    unsigned count, allocated;
    Member *members;
    GHashTable *index; /* name → position + 1, of all members; or NULL */
};

struct _JsonArray {
    unsigned references;
    GPtrArray *elements;
};

JsonNode *json_node_new(JsonNodeType type) {
    JsonNode *node = g_new0(JsonNode, 1);

    node->references = 1;
    node->type = type;
    return node;
}

JsonNode *json_node_ref(JsonNode *node) {
    node->references++;
    return node;
}

void json_node_unref(JsonNode *node) {
    if (--node->references > 0)
        return;
    if (node->type == JSON_NODE_STRING)
        g_free(node->string);
    else if (node->type == JSON_NODE_ARRAY && node->array)
        json_array_unref(node->array);
    else if (node->type == JSON_NODE_OBJECT && node->object)
        json_object_unref(node->object);
    g_free(node);
}

JsonNode *json_node_copy(const JsonNode *node) {
    JsonNode *copy = g_new(JsonNode, 1);

    *copy = *node;
    copy->references = 1;
    if (copy->type == JSON_NODE_STRING)
        copy->string = g_strdup(node->string);
    else if (copy->type == JSON_NODE_ARRAY && copy->array)
        json_array_ref(copy->array);
    else if (copy->type == JSON_NODE_OBJECT && copy->object)
        json_object_ref(copy->object);
    return copy;
}

JsonNodeType json_node_get_node_type(const JsonNode *node) {
    return node->type;
}

JsonObject *json_node_get_object(const JsonNode *node) {
    return node->type == JSON_NODE_OBJECT ? node->object : NULL;
}

JsonArray *json_node_get_array(const JsonNode *node) {
    return node->type == JSON_NODE_ARRAY ? node->array : NULL;
}

const char *json_node_get_string(const JsonNode *node) {
    return node->type == JSON_NODE_STRING ? node->string : NULL;
}

int64_t json_node_get_int(const JsonNode *node) {
    return node->type == JSON_NODE_INT ? node->integer : 0;
}

double json_node_get_double(const JsonNode *node) {
    return node->type == JSON_NODE_DOUBLE ? node->number : 0;
}

bool json_node_get_boolean(const JsonNode *node) {
    return node->type == JSON_NODE_BOOLEAN && node->boolean;
}

void json_node_take_object(JsonNode *node, JsonObject *object) {
    g_assert(node->type == JSON_NODE_OBJECT && !node->object);
    node->object = object;
}

void json_node_set_object(JsonNode *node, JsonObject *object) {
    json_node_take_object(node, json_object_ref(object));
}

void json_node_take_array(JsonNode *node, JsonArray *array) {
    g_assert(node->type == JSON_NODE_ARRAY && !node->array);
    node->array = array;
}

void json_node_take_string(JsonNode *node, char *value) {
    g_assert(node->type == JSON_NODE_STRING && !node->string);
    node->string = value;
}

void json_node_set_string(JsonNode *node, const char *value) {
    json_node_take_string(node, g_strdup(value));
}

void json_node_set_int(JsonNode *node, int64_t value) {
    g_assert(node->type == JSON_NODE_INT);
    node->integer = value;
}

void json_node_set_double(JsonNode *node, double value) {
    g_assert(node->type == JSON_NODE_DOUBLE);
    node->number = value;
}

void json_node_set_boolean(JsonNode *node, bool value) {
    g_assert(node->type == JSON_NODE_BOOLEAN);
    node->boolean = value;
}

static JsonNode *new_string_node(const char *value) {
    JsonNode *node = json_node_new(value ? JSON_NODE_STRING : JSON_NODE_NULL);

    if (value)
        json_node_set_string(node, value);
    return node;
}

static JsonNode *new_int_node(int64_t value) {
    JsonNode *node = json_node_new(JSON_NODE_INT);

    node->integer = value;
    return node;
}

static JsonNode *new_object_node(JsonObject *object) {
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    node->object = object;
    return node;
}

JsonObject *json_object_new(void) {
    JsonObject *object = g_new0(JsonObject, 1);

    object->references = 1;
    return object;
}

JsonObject *json_object_ref(JsonObject *object) {
    object->references++;
    return object;
}

void json_object_unref(JsonObject *object) {
    if (--object->references > 0)
        return;
    g_clear_pointer(&object->index, g_hash_table_unref);
    for (unsigned i = 0; i < object->count; i++) {
        g_free(object->members[i].name);
        json_node_unref(object->members[i].node);
    }
    g_free(object->members);
    g_free(object);
}

unsigned json_object_get_size(const JsonObject *object) {
    return object->count;
}

static void index_member(JsonObject *object, unsigned position) {
    g_hash_table_insert(object->index, object->members[position].name,
                        GUINT_TO_POINTER(position + 1));
}

static Member *find_member(JsonObject *object, const char *name) {
    if (object->count <= SEARCHED_MEMBERS) {
        for (unsigned i = 0; i < object->count; i++)
            if (g_str_equal(object->members[i].name, name))
                return &object->members[i];
        return NULL;
    }
    if (!object->index) {
        object->index = g_hash_table_new(g_str_hash, g_str_equal);
        for (unsigned i = 0; i < object->count; i++)
            index_member(object, i);
    }
    unsigned found = GPOINTER_TO_UINT(g_hash_table_lookup(object->index, name));
    return found > 0 ? &object->members[found - 1] : NULL;
}

bool json_object_has_member(JsonObject *object, const char *name) {
    return find_member(object, name) != NULL;
}

JsonNode *json_object_get_member(JsonObject *object, const char *name) {
    Member *member = find_member(object, name);

    return member ? member->node : NULL;
}

JsonObject *json_object_get_object_member(JsonObject *object, const char *name) {
    JsonNode *node = json_object_get_member(object, name);

    return node ? json_node_get_object(node) : NULL;
}

JsonArray *json_object_get_array_member(JsonObject *object, const char *name) {
    JsonNode *node = json_object_get_member(object, name);

    return node ? json_node_get_array(node) : NULL;
}

const char *json_object_get_string_member(JsonObject *object, const char *name) {
    JsonNode *node = json_object_get_member(object, name);

    return node ? json_node_get_string(node) : NULL;
}

bool json_object_get_boolean_member(JsonObject *object, const char *name) {
    JsonNode *node = json_object_get_member(object, name);

    return node && json_node_get_boolean(node);
}

GList *json_object_get_members(const JsonObject *object) {
    GList *names = NULL;

    for (unsigned i = object->count; i > 0; i--)
        names = g_list_prepend(names, object->members[i - 1].name);
    return names;
}

const char *json_object_get_name_at(const JsonObject *object, unsigned position) {
    g_assert(position < object->count);
    return object->members[position].name;
}

JsonNode *json_object_get_node_at(const JsonObject *object, unsigned position) {
    g_assert(position < object->count);
    return object->members[position].node;
}

void json_object_set_member(JsonObject *object, const char *name, JsonNode *node) {
    Member *member = find_member(object, name);

    if (member) {
        json_node_unref(member->node);
        member->node = node;
        return;
    }
    if (object->count == object->allocated) {
        object->allocated = MAX(4, object->allocated * 2);
        object->members = g_renew(Member, object->members, object->allocated);
    }
    object->members[object->count] = (Member){.name = g_strdup(name), .node = node};
    if (object->index)
        index_member(object, object->count);
    object->count++;
}

void json_object_set_object_member(JsonObject *object, const char *name, JsonObject *value) {
    json_object_set_member(object, name, new_object_node(value));
}

void json_object_set_array_member(JsonObject *object, const char *name, JsonArray *value) {
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);

    node->array = value;
    json_object_set_member(object, name, node);
}

void json_object_set_string_member(JsonObject *object, const char *name, const char *value) {
    json_object_set_member(object, name, new_string_node(value));
}

void json_object_set_int_member(JsonObject *object, const char *name, int64_t value) {
    json_object_set_member(object, name, new_int_node(value));
}

void json_object_set_boolean_member(JsonObject *object, const char *name, bool value) {
    JsonNode *node = json_node_new(JSON_NODE_BOOLEAN);

    node->boolean = value;
    json_object_set_member(object, name, node);
}

/* The members behind it move up, so that the index is made again when it is next needed. */
void json_object_remove_member(JsonObject *object, const char *name) {
    Member *member = find_member(object, name);

    if (!member)
        return;
    g_clear_pointer(&object->index, g_hash_table_unref);
    g_free(member->name);
    json_node_unref(member->node);
    object->count--;
    for (; member < &object->members[object->count]; member++)
        *member = member[1];
}

JsonArray *json_array_new(void) {
    JsonArray *array = g_new(JsonArray, 1);

    array->references = 1;
    array->elements = g_ptr_array_new_with_free_func((GDestroyNotify)json_node_unref);
    return array;
}

JsonArray *json_array_ref(JsonArray *array) {
    array->references++;
    return array;
}

void json_array_unref(JsonArray *array) {
    if (--array->references > 0)
        return;
    g_ptr_array_unref(array->elements);
    g_free(array);
}

unsigned json_array_get_length(const JsonArray *array) {
    return array->elements->len;
}

JsonNode *json_array_get_element(const JsonArray *array, unsigned position) {
    g_assert(position < array->elements->len);
    return array->elements->pdata[position];
}

JsonObject *json_array_get_object_element(const JsonArray *array, unsigned position) {
    return json_node_get_object(json_array_get_element(array, position));
}

void json_array_add_element(JsonArray *array, JsonNode *node) {
    g_ptr_array_add(array->elements, node);
}

void json_array_add_object_element(JsonArray *array, JsonObject *value) {
    json_array_add_element(array, new_object_node(value));
}

void json_array_add_string_element(JsonArray *array, const char *value) {
    json_array_add_element(array, new_string_node(value));
}

void json_array_add_int_element(JsonArray *array, int64_t value) {
    json_array_add_element(array, new_int_node(value));
}
