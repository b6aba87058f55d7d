/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses JSON in two steps: first an iterative scan of the bytes for depth, then json-glib. A
 * document belongs to the caller, and what the getters return belongs to the document.
 */

#include "base/document.h"

#include "base/fd.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Counts brackets outside of strings. The text need not be valid JSON; the parser checks that,
 * except that json-glib accepts a second value behind the first: two readers would differ on which
 * counts.
 */
static bool check_depth(const char *data, size_t size, GError **error) {
    unsigned depth = 0;
    bool quoted = false, ended = false;

    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        if (ended && !g_ascii_isspace(c))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "not JSON: the document is followed by something else");
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > BERTH_DOCUMENT_MAX_DEPTH)
                return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                       "JSON is nested deeper than %u levels",
                                       BERTH_DOCUMENT_MAX_DEPTH);
        } else if ((c == '}' || c == ']') && depth > 0) {
            ended = --depth == 0;
        }
    }
    return true;
}

/* Whether text, which has at least six bytes, is an escape of half a surrogate pair: the first half
 * is D800 to DBFF, the second DC00 to DFFF. */
static bool is_half(const char *text, bool second) {
    char third = g_ascii_tolower(text[3]);
    bool is_second = third >= 'c' && third <= 'f';
    bool is_first = third == '8' || third == '9' || third == 'a' || third == 'b';

    return text[0] == '\\' && text[1] == 'u' && g_ascii_tolower(text[2]) == 'd' &&
           (second ? is_second : is_first) && g_ascii_isxdigit(text[4]) &&
           g_ascii_isxdigit(text[5]);
}

/* Half a surrogate pair is no character, but the grammar allows it (RFC 8259, section 8.2).
 * json-glib rejects it or produces invalid UTF-8; here it becomes U+FFFD, as in other parsers.
 * Returns a copy of the same size, or NULL if data has none. */
static char *replace_halves(const char *data, size_t size) {
    char *copy = NULL;

    for (size_t i = 0; i + 6 <= size; i++) {
        if (data[i] != '\\')
            continue;
        bool is_first = is_half(data + i, false);
        if (is_first && i + 12 <= size && is_half(data + i + 6, true)) {
            i += 11;
        } else if (is_first || is_half(data + i, true)) {
            copy = copy ? copy : g_memdup2(data, size);
            memcpy(copy + i, "\\ufffd", 6);
            i += 5;
        } else {
            i++;
        }
    }
    return copy;
}

JsonNode *berth_document_parse(const char *data, size_t size, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autofree char *replaced = NULL;

    if (size > BERTH_MAX_DOCUMENT_BYTES) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "JSON document of %zu bytes is larger than the limit of %u", size,
                        BERTH_MAX_DOCUMENT_BYTES);
        return NULL;
    }
    /* JSON is UTF-8 (RFC 8259, section 8.1). Strings of a document are also sent in bus messages,
     * which must be valid UTF-8. */
    if (!g_utf8_validate_len(data, size, NULL)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "not JSON: invalid UTF-8");
        return NULL;
    }
    if (!check_depth(data, size, error))
        return NULL;
    replaced = replace_halves(data, size);
    data = replaced ? replaced : data;

    /* Immutable, so that no subtree is ever copied. */
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    if (!json_parser_load_from_data(parser, data, size, &local)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "not JSON: %s", local->message);
        return NULL;
    }
    JsonNode *root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "not a JSON object");
        return NULL;
    }
    return json_parser_steal_root(parser);
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer (fifo(7)). */
JsonNode *berth_document_read(int directory, const char *path, size_t limit, GError **error) {
    berth_autofd int file = openat(directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    size_t size;

    if (file < 0) {
        berth_error_set_errno(error, errno, "open %s", path);
        return NULL;
    }
    g_autofree char *text = berth_fd_read_whole(file, limit, &size, error);
    return text ? berth_document_parse(text, size, error) : NULL;
}

/* A member that is null counts as missing. */
static JsonNode *find_member(JsonObject *object, const char *member) {
    JsonNode *node = json_object_get_member(object, member);

    return !node || JSON_NODE_HOLDS_NULL(node) ? NULL : node;
}

/* Always returns false, for the caller to return. */
static bool wrong_type(const char *member, const char *expected, GError **error) {
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "member \"%s\" is not %s", member,
                           expected);
}

/* Each getter succeeds with an empty value (NULL, 0 or false) if the member is missing, and fails
 * only if the member has another type: the code that reads the document decides which members are
 * required. */
bool berth_document_get_string(JsonObject *object, const char *member, const char **value,
                               GError **error) {
    JsonNode *node = find_member(object, member);

    if (node && (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING))
        return wrong_type(member, "a string", error);
    *value = node ? json_node_get_string(node) : NULL;
    return true;
}

bool berth_document_get_object(JsonObject *object, const char *member, JsonObject **value,
                               GError **error) {
    JsonNode *node = find_member(object, member);

    if (node && !JSON_NODE_HOLDS_OBJECT(node))
        return wrong_type(member, "an object", error);
    *value = node ? json_node_get_object(node) : NULL;
    return true;
}

bool berth_document_get_array(JsonObject *object, const char *member, JsonArray **value,
                              GError **error) {
    JsonNode *node = find_member(object, member);

    if (node && !JSON_NODE_HOLDS_ARRAY(node))
        return wrong_type(member, "an array", error);
    *value = node ? json_node_get_array(node) : NULL;
    return true;
}

bool berth_document_get_size(JsonObject *object, const char *member, uint64_t *value,
                             GError **error) {
    JsonNode *node = find_member(object, member);

    /* json-glib reads a number with a fraction or an exponent as a double, which is not a valid
     * size. */
    if (node && (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64 ||
                 json_node_get_int(node) < 0))
        return wrong_type(member, "a size", error);
    *value = node ? (uint64_t)json_node_get_int(node) : 0;
    return true;
}

bool berth_document_get_int(JsonObject *object, const char *member, int64_t *value,
                            GError **error) {
    JsonNode *node = find_member(object, member);

    if (node && (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64))
        return wrong_type(member, "an integer", error);
    *value = node ? json_node_get_int(node) : 0;
    return true;
}

bool berth_document_get_bool(JsonObject *object, const char *member, bool *value, GError **error) {
    JsonNode *node = find_member(object, member);

    if (node && (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_BOOLEAN))
        return wrong_type(member, "a boolean", error);
    *value = node && json_node_get_boolean(node);
    return true;
}

bool berth_document_get_objects(JsonObject *object, const char *member, JsonArray **array,
                                GError **error) {
    if (!berth_document_get_array(object, member, array, error))
        return false;
    for (guint i = 0; *array && i < json_array_get_length(*array); i++)
        if (!JSON_NODE_HOLDS_OBJECT(json_array_get_element(*array, i)))
            return wrong_type(member, "an array of objects", error);
    return true;
}

bool berth_document_get_strings(JsonObject *object, const char *member, char ***value,
                                GError **error) {
    JsonArray *array;

    if (!berth_document_get_array(object, member, &array, error))
        return false;
    g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);
        if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
            return wrong_type(member, "an array of strings", error);
        g_ptr_array_add(strings, g_strdup(json_node_get_string(node)));
    }
    g_ptr_array_add(strings, NULL);
    *value = (char **)g_ptr_array_free(g_steal_pointer(&strings), FALSE);
    return true;
}

char *berth_document_print(JsonObject *object, bool pretty) {
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

    json_node_set_object(node, object);
    return json_to_string(node, pretty);
}

bool berth_document_get_keys(JsonObject *object, const char *member, bool with_values,
                             char ***value, GError **error) {
    JsonObject *map;

    if (!berth_document_get_object(object, member, &map, error))
        return false;
    g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GList) keys = map ? json_object_get_members(map) : NULL;
    for (GList *key = keys; key; key = key->next) {
        g_ptr_array_add(strings, g_strdup(key->data));
        if (!with_values)
            continue;
        const char *text;
        if (!berth_document_get_string(map, key->data, &text, error))
            return false;
        g_ptr_array_add(strings, g_strdup(text ? text : ""));
    }
    g_ptr_array_add(strings, NULL);
    *value = (char **)g_ptr_array_free(g_steal_pointer(&strings), FALSE);
    return true;
}

/* Only the copy's own members may be changed: objects and arrays in them are shared with the
 * document (json_node_copy() takes references). */
JsonObject *berth_document_copy(JsonObject *object) {
    JsonObject *copy = json_object_new();
    g_autoptr(GList) members = object ? json_object_get_members(object) : NULL;

    for (GList *member = members; member; member = member->next)
        json_object_set_member(copy, member->data,
                               json_node_copy(json_object_get_member(object, member->data)));
    return copy;
}
