/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text of a JSON value, which is UTF-8: only what has to be escaped is. */

#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void print_string(GString *text, const char *value) {
    g_string_append_c(text, '"');
    for (const char *at = value; *at; at++) {
        static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
        const char *found = strchr(escaped, *at);
        if (found)
            g_string_append_printf(text, "\\%c", letters[found - escaped]);
        else if ((unsigned char)*at < 0x20 || *at == 0x7f)
            g_string_append_printf(text, "\\u%04x", (unsigned char)*at);
        else
            g_string_append_c(text, *at);
    }
    g_string_append_c(text, '"');
}

/* With a fraction or an exponent, so that it is read as the same type again. */
static void print_double(GString *text, double value) {
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];

    if (!isfinite(value)) {
        g_string_append(text, "null");
        return;
    }
    g_string_append(text, g_ascii_dtostr(buffer, sizeof(buffer), value));
    if (!strpbrk(buffer, ".e"))
        g_string_append(text, ".0");
}

/* A new line within brackets; nothing if all is one line. */
static void print_break(GString *text, bool pretty, unsigned level) {
    if (!pretty)
        return;
    g_string_append_c(text, '\n');
    for (unsigned i = 0; i < level; i++)
        g_string_append(text, "  ");
}

static void print_node(GString *text, const JsonNode *node, bool pretty, unsigned level);

static void print_array(GString *text, const JsonArray *array, bool pretty, unsigned level) {
    unsigned length = json_array_get_length(array);

    g_string_append_c(text, '[');
    for (unsigned i = 0; i < length; i++) {
        if (i > 0)
            g_string_append_c(text, ',');
        print_break(text, pretty, level + 1);
        print_node(text, json_array_get_element(array, i), pretty, level + 1);
    }
    if (length > 0)
        print_break(text, pretty, level);
    g_string_append_c(text, ']');
}

static void print_object(GString *text, const JsonObject *object, bool pretty, unsigned level) {
    unsigned size = json_object_get_size(object);

    g_string_append_c(text, '{');
    for (unsigned i = 0; i < size; i++) {
        if (i > 0)
            g_string_append_c(text, ',');
        print_break(text, pretty, level + 1);
        print_string(text, json_object_get_name_at(object, i));
        g_string_append(text, pretty ? " : " : ":");
        print_node(text, json_object_get_node_at(object, i), pretty, level + 1);
    }
    if (size > 0)
        print_break(text, pretty, level);
    g_string_append_c(text, '}');
}

static void print_node(GString *text, const JsonNode *node, bool pretty, unsigned level) {
    switch (json_node_get_node_type(node)) {
    case JSON_NODE_NULL:
        g_string_append(text, "null");
        break;
    case JSON_NODE_BOOLEAN:
        g_string_append(text, json_node_get_boolean(node) ? "true" : "false");
        break;
    case JSON_NODE_INT:
        g_string_append_printf(text, "%" PRId64, json_node_get_int(node));
        break;
    case JSON_NODE_DOUBLE:
        print_double(text, json_node_get_double(node));
        break;
    case JSON_NODE_STRING:
        print_string(text, json_node_get_string(node));
        break;
    case JSON_NODE_ARRAY:
        print_array(text, json_node_get_array(node), pretty, level);
        break;
    case JSON_NODE_OBJECT:
        print_object(text, json_node_get_object(node), pretty, level);
        break;
    }
}

char *json_to_string(const JsonNode *node, bool pretty) {
    GString *text = g_string_new(NULL);

    print_node(text, node, pretty, 0);
    return g_string_free(text, FALSE);
}
