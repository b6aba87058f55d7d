/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses JSON with json-c, which does not recurse and counts the depth itself. A document belongs
 * to the caller, and what the getters return belongs to the document.
 */

#include "base/document.h"

#include "base/fd.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json_visit.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static bool refuse_depth(GError **error) {
    return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "JSON is nested deeper than %u levels", BERTH_DOCUMENT_MAX_DEPTH);
}

static bool refuse_syntax(const char *reason, GError **error) {
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "not JSON: %s", reason);
}

/* json-c does not check whether memory could be allocated for an object, and a worker has a limit.
 */
static bool check_objects(const char *data, size_t size, GError **error) {
    const char *end = data + size;
    unsigned count = 0;

    while ((data = memchr(data, '{', (size_t)(end - data)))) {
        data++;
        if (++count > BERTH_DOCUMENT_MAX_OBJECTS)
            return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                   "JSON document has more than %u objects",
                                   BERTH_DOCUMENT_MAX_OBJECTS);
    }
    return true;
}

/* With JSON_TOKENER_STRICT, json-c 0.18 takes the bytes of a character beyond ASCII for control
 * characters and refuses them (json-c issue 875); an escape is the same character to every version.
 * Behind a backslash, the character stays as it is: that is no escape, and json-c refuses it.
 * Returns a copy, or NULL if data, which is valid UTF-8, is ASCII. */
static GString *escape_characters(const char *data, size_t size) {
    if (g_utf8_strlen(data, (gssize)size) == (glong)size)
        return NULL;
    GString *text = g_string_sized_new(size);
    bool behind_backslash = false;
    for (const char *at = data; at < data + size; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (c < 0x80 || behind_backslash)
            g_string_append_unichar(text, c);
        else if (c < 0x10000)
            g_string_append_printf(text, "\\u%04x", c);
        else
            g_string_append_printf(text, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                                   0xdc00 + (c & 0x3ff));
        behind_backslash = c == '\\' && !behind_backslash;
    }
    return text;
}

/* Returns false if there are none. */
static bool skip_digits(const char **text) {
    size_t count = strspn(*text, "0123456789");

    *text += count;
    return count > 0;
}

/* A number as in RFC 8259, section 6. */
static bool is_number(const char *text) {
    text += *text == '-';
    if ((text[0] == '0' && g_ascii_isdigit(text[1])) || !skip_digits(&text))
        return false;
    if (*text == '.') {
        text++;
        if (!skip_digits(&text))
            return false;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '+' || *text == '-';
        if (!skip_digits(&text))
            return false;
    }
    return *text == '\0';
}

/* Even with JSON_TOKENER_STRICT, json-c 0.16 accepts NaN, Infinity and numbers such as "00.5" and
 * "5.". It keeps the text of a number that is not an integer, and berth_document_print() would
 * write it again. NaN and Infinity have no text. */
static int visit_number(json_object *value, int flags, json_object *parent, const char *member,
                        size_t *i, void *userdata) {
    (void)flags, (void)parent, (void)member, (void)i;
    if (!json_object_is_type(value, json_type_double))
        return JSON_C_VISIT_RETURN_CONTINUE;
    const char *text = json_object_get_userdata(value);
    if (text && is_number(text))
        return JSON_C_VISIT_RETURN_CONTINUE;
    *(bool *)userdata = false;
    return JSON_C_VISIT_RETURN_STOP;
}

static bool check_numbers(json_object *root, GError **error) {
    bool good = true;

    json_c_visit(root, 0, visit_number, &good);
    return good || refuse_syntax("invalid number", error);
}

/* JSON_TOKENER_STRICT also makes json-c look for something behind the document: two readers would
 * differ on which of two values counts. For the document null, json-c succeeds and returns NULL. */
static json_object *parse(struct json_tokener *tokener, const char *data, size_t size,
                          GError **error) {
    GString *escaped = escape_characters(data, size);
    json_object *root;

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    root = json_tokener_parse_ex(tokener, escaped ? escaped->str : data,
                                 (int)(escaped ? escaped->len : size));
    if (escaped)
        g_string_free(escaped, TRUE);
    enum json_tokener_error result = json_tokener_get_error(tokener);
    if (json_object_is_type(root, json_type_object))
        return root;
    json_object_put(root);
    if (result == json_tokener_success)
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "not a JSON object");
    else if (result == json_tokener_error_depth)
        refuse_depth(error);
    else if (result == json_tokener_continue)
        refuse_syntax("the document is incomplete", error);
    else
        refuse_syntax(json_tokener_error_desc(result), error);
    return NULL;
}

/* json-c counts the levels at which values are, one more than there are arrays and objects around
 * one. It counts only values that exist: an empty array or object may be one level deeper. */
json_object *berth_document_parse(const char *data, size_t size, GError **error) {
    if (size > BERTH_MAX_DOCUMENT_BYTES) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "JSON document of %zu bytes is larger than the limit of %u", size,
                        BERTH_MAX_DOCUMENT_BYTES);
        return NULL;
    }
    /* JSON is UTF-8 (RFC 8259, section 8.1). Strings of a document are also sent in bus messages,
     * which must be valid UTF-8. */
    if (!g_utf8_validate_len(data, size, NULL)) {
        refuse_syntax("invalid UTF-8", error);
        return NULL;
    }
    /* A byte order mark may be ignored (RFC 8259, section 8.1). */
    if (size >= strlen(BYTE_ORDER_MARK) &&
        memcmp(data, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
        data += strlen(BYTE_ORDER_MARK);
        size -= strlen(BYTE_ORDER_MARK);
    }
    if (!check_objects(data, size, error))
        return NULL;
    struct json_tokener *tokener = json_tokener_new_ex(BERTH_DOCUMENT_MAX_DEPTH + 1);
    g_autoptr(json_object) root = parse(tokener, data, size, error);
    json_tokener_free(tokener);
    return root && check_numbers(root, error) ? g_steal_pointer(&root) : NULL;
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer (fifo(7)). */
json_object *berth_document_read(int directory, const char *path, size_t limit, GError **error) {
    berth_autofd int file = openat(directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    size_t size;

    if (file < 0) {
        berth_error_set_errno(error, errno, "open %s", path);
        return NULL;
    }
    g_autofree char *text = berth_fd_read_whole(file, limit, &size, error);
    return text ? berth_document_parse(text, size, error) : NULL;
}

/* Always returns false, for the caller to return. */
static bool wrong_type(const char *member, const char *expected, GError **error) {
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "member \"%s\" is not %s", member,
                           expected);
}

/* A member that is null counts as missing; json-c has no object for null. */
static bool find_member(json_object *object, const char *member, json_type type,
                        const char *expected, json_object **value, GError **error) {
    json_object *found = json_object_object_get(object, member);

    if (found && !json_object_is_type(found, type))
        return wrong_type(member, expected, error);
    *value = found;
    return true;
}

/* A string with U+0000 would be cut off there by every function that takes it. */
static bool is_text(json_object *value) {
    return json_object_is_type(value, json_type_string) &&
           strlen(json_object_get_string(value)) == (size_t)json_object_get_string_len(value);
}

/* Each getter succeeds with an empty value (NULL, 0 or false) if the member is missing, and fails
 * only if the member has another type: the code that reads the document decides which members are
 * required. */
bool berth_document_get_string(json_object *object, const char *member, const char **value,
                               GError **error) {
    json_object *found = NULL;

    if (!find_member(object, member, json_type_string, "a string", &found, error))
        return false;
    if (found && !is_text(found))
        return wrong_type(member, "a string without NUL", error);
    *value = found ? json_object_get_string(found) : NULL;
    return true;
}

bool berth_document_get_object(json_object *object, const char *member, json_object **value,
                               GError **error) {
    return find_member(object, member, json_type_object, "an object", value, error);
}

bool berth_document_get_array(json_object *object, const char *member, json_object **value,
                              GError **error) {
    return find_member(object, member, json_type_array, "an array", value, error);
}

/* json-c reads a number with a fraction or an exponent as a double, which is not a valid size, and
 * limits a larger integer to UINT64_MAX. */
bool berth_document_get_size(json_object *object, const char *member, uint64_t *value,
                             GError **error) {
    json_object *found = NULL;

    if (!find_member(object, member, json_type_int, "a size", &found, error))
        return false;
    if (found && (json_object_get_int64(found) < 0 || json_object_get_uint64(found) > INT64_MAX))
        return wrong_type(member, "a size", error);
    *value = found ? json_object_get_uint64(found) : 0;
    return true;
}

/* json-c limits a smaller integer to INT64_MIN, which nothing needs. */
bool berth_document_get_int(json_object *object, const char *member, int64_t *value,
                            GError **error) {
    json_object *found = NULL;

    if (!find_member(object, member, json_type_int, "an integer", &found, error))
        return false;
    if (found &&
        (json_object_get_int64(found) == INT64_MIN || json_object_get_uint64(found) > INT64_MAX))
        return wrong_type(member, "an integer of 64 bits", error);
    *value = found ? json_object_get_int64(found) : 0;
    return true;
}

bool berth_document_get_bool(json_object *object, const char *member, bool *value, GError **error) {
    json_object *found = NULL;

    if (!find_member(object, member, json_type_boolean, "a boolean", &found, error))
        return false;
    *value = found && json_object_get_boolean(found);
    return true;
}

bool berth_document_get_objects(json_object *object, const char *member, json_object **array,
                                GError **error) {
    if (!berth_document_get_array(object, member, array, error))
        return false;
    for (size_t i = 0; *array && i < json_object_array_length(*array); i++)
        if (!json_object_is_type(json_object_array_get_idx(*array, i), json_type_object))
            return wrong_type(member, "an array of objects", error);
    return true;
}

bool berth_document_get_strings(json_object *object, const char *member, char ***value,
                                GError **error) {
    json_object *array;

    if (!berth_document_get_array(object, member, &array, error))
        return false;
    g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; array && i < json_object_array_length(array); i++) {
        json_object *string = json_object_array_get_idx(array, i);
        if (!is_text(string))
            return wrong_type(member, "an array of strings", error);
        g_ptr_array_add(strings, g_strdup(json_object_get_string(string)));
    }
    g_ptr_array_add(strings, NULL);
    *value = (char **)g_ptr_array_free(g_steal_pointer(&strings), FALSE);
    return true;
}

char *berth_document_print(json_object *value, bool pretty) {
    int flags = pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;

    return g_strdup(json_object_to_json_string_ext(value, flags | JSON_C_TO_STRING_NOSLASHESCAPE));
}

bool berth_document_get_keys(json_object *object, const char *member, bool with_values,
                             char ***list, GError **error) {
    json_object *map;

    if (!berth_document_get_object(object, member, &map, error))
        return false;
    g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
    if (map) {
        json_object_object_foreach(map, key, value) {
            const char *text;
            g_ptr_array_add(strings, g_strdup(key));
            if (!with_values)
                continue;
            if (!berth_document_get_string(map, key, &text, error))
                return false;
            g_ptr_array_add(strings, g_strdup(text ? text : ""));
        }
    }
    g_ptr_array_add(strings, NULL);
    *list = (char **)g_ptr_array_free(g_steal_pointer(&strings), FALSE);
    return true;
}

json_object *berth_document_copy(json_object *object) {
    json_object *copy = json_object_new_object();

    if (object) {
        json_object_object_foreach(object, key, value)
            json_object_object_add(copy, key, json_object_get(value));
    }
    return copy;
}
