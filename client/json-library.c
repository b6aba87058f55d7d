/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Loads json-glib at the first call of one of its functions. Few verbs read or print JSON, but the
 * library depends on GObject, GIO, libmount and six others, and loading those takes as long as the
 * rest of dist's start. The definitions here replace the library's for the whole program, which is
 * therefore not linked with it; code that uses json-glib is unaffected.
 *
 * A function that is missing below would cause the library to be linked again, and dist to start
 * more slowly. A unit test (meson.build) detects that and names the function.
 */

#include "client/settings.h"
#include "client/translate.h"

#include <dlfcn.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>

#define LIBRARY "libjson-glib-1.0.so.0"

/* No caller could continue without the library: without it, the installation is broken. */
static void *find_function(const char *name) {
    static void *library;
    void *function;

    if (!library)
        library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    /* Searches the library and its dependencies. */
    function = library ? dlsym(library, name) : NULL;
    if (function)
        return function;
    fprintf(stderr, _("dist: cannot load %s: %s\n"), LIBRARY, dlerror());
    exit(EXIT_FAILURE);
}

/* The compiler checks the prototype against the library's header. */
#define LAZY(type, name, parameters, arguments)                                                    \
    type name parameters {                                                                         \
        static typeof(name) *function;                                                             \
        if (!function)                                                                             \
            function = find_function(#name);                                                       \
        return function arguments;                                                                 \
    }

/* clang-format off */
LAZY(void, g_object_unref, (gpointer object), (object))
LAZY(void, json_array_add_int_element, (JsonArray *array, gint64 value), (array, value))
LAZY(JsonNode *, json_array_get_element, (JsonArray *array, guint index_), (array, index_))
LAZY(JsonObject *, json_array_get_object_element, (JsonArray *array, guint index_), (array, index_))
LAZY(guint, json_array_get_length, (JsonArray *array), (array))
LAZY(JsonArray *, json_array_new, (void), ())
LAZY(void, json_array_unref, (JsonArray *array), (array))
LAZY(JsonBuilder *, json_builder_add_int_value, (JsonBuilder *builder, gint64 value), (builder, value))
LAZY(JsonBuilder *, json_builder_add_string_value, (JsonBuilder *builder, const gchar *value), (builder, value))
LAZY(JsonBuilder *, json_builder_add_value, (JsonBuilder *builder, JsonNode *node), (builder, node))
LAZY(JsonBuilder *, json_builder_begin_array, (JsonBuilder *builder), (builder))
LAZY(JsonBuilder *, json_builder_begin_object, (JsonBuilder *builder), (builder))
LAZY(JsonBuilder *, json_builder_end_array, (JsonBuilder *builder), (builder))
LAZY(JsonBuilder *, json_builder_end_object, (JsonBuilder *builder), (builder))
LAZY(JsonNode *, json_builder_get_root, (JsonBuilder *builder), (builder))
LAZY(JsonBuilder *, json_builder_new, (void), ())
LAZY(JsonBuilder *, json_builder_set_member_name, (JsonBuilder *builder, const gchar *member_name), (builder, member_name))
LAZY(JsonNode *, json_from_string, (const char *str, GError **error), (str, error))
LAZY(JsonNode *, json_node_alloc, (void), ())
LAZY(JsonNode *, json_node_copy, (JsonNode *node), (node))
LAZY(JsonArray *, json_node_get_array, (JsonNode *node), (node))
LAZY(gboolean, json_node_get_boolean, (JsonNode *node), (node))
LAZY(gint64, json_node_get_int, (JsonNode *node), (node))
LAZY(JsonNodeType, json_node_get_node_type, (JsonNode *node), (node))
LAZY(JsonObject *, json_node_get_object, (JsonNode *node), (node))
LAZY(const gchar *, json_node_get_string, (JsonNode *node), (node))
LAZY(GType, json_node_get_value_type, (JsonNode *node), (node))
LAZY(JsonNode *, json_node_init_array, (JsonNode *node, JsonArray *array), (node, array))
LAZY(JsonNode *, json_node_init_object, (JsonNode *node, JsonObject *object), (node, object))
LAZY(JsonNode *, json_node_new, (JsonNodeType type), (type))
LAZY(void, json_node_set_object, (JsonNode *node, JsonObject *object), (node, object))
LAZY(void, json_node_set_string, (JsonNode *node, const gchar *value), (node, value))
LAZY(void, json_node_take_object, (JsonNode *node, JsonObject *object), (node, object))
LAZY(void, json_node_unref, (JsonNode *node), (node))
LAZY(gboolean, json_object_get_boolean_member_with_default, (JsonObject *object, const char *member_name, gboolean default_value), (object, member_name, default_value))
LAZY(JsonNode *, json_object_get_member, (JsonObject *object, const gchar *member_name), (object, member_name))
LAZY(GList *, json_object_get_members, (JsonObject *object), (object))
LAZY(const char *, json_object_get_string_member, (JsonObject *object, const char *member_name), (object, member_name))
LAZY(gboolean, json_object_has_member, (JsonObject *object, const gchar *member_name), (object, member_name))
LAZY(JsonObject *, json_object_new, (void), ())
LAZY(void, json_object_remove_member, (JsonObject *object, const gchar *member_name), (object, member_name))
LAZY(void, json_object_set_member, (JsonObject *object, const gchar *member_name, JsonNode *node), (object, member_name, node))
LAZY(void, json_object_set_object_member, (JsonObject *object, const gchar *member_name, JsonObject *value), (object, member_name, value))
LAZY(void, json_object_set_string_member, (JsonObject *object, const gchar *member_name, const gchar *value), (object, member_name, value))
LAZY(void, json_object_unref, (JsonObject *object), (object))
LAZY(JsonNode *, json_parser_get_root, (JsonParser *parser), (parser))
LAZY(gboolean, json_parser_load_from_data, (JsonParser *parser, const gchar *data, gssize length, GError **error), (parser, data, length, error))
LAZY(JsonParser *, json_parser_new_immutable, (void), ())
LAZY(JsonNode *, json_parser_steal_root, (JsonParser *parser), (parser))
LAZY(char *, json_to_string, (JsonNode *node, gboolean pretty), (node, pretty))
/* clang-format on */
