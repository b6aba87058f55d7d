/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A parser of JSON (RFC 8259), by recursive descent. It reads what comes from outside: how deep it
 * recurses is limited by its caller, it looks at no byte beyond the end, and it accepts nothing but
 * what the standard says.
 *
 * Its functions move the position behind what they have read, or set the error and return NULL or
 * false. None of them sets it twice.
 */

#include "base/error.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* No number that is meant is longer; the text is copied for strtod(3). */
#define NUMBER_MAX_BYTES 64u

typedef struct {
    const char *begin, *at, *end;
    unsigned levels; /* that may still begin */
    unsigned max_depth;
    GError **error;
} Parser;

static JsonNode *parse_value(Parser *parser);

/* Always false, for the caller to return. */
static bool parser_fail(const Parser *parser) {
    return berth_error_set(parser->error, BERTH_ERROR_INVALID_ARGUMENT,
                           "not JSON: malformed at byte %zu", (size_t)(parser->at - parser->begin));
}

static void skip_space(Parser *parser) {
    while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\n' ||
                                        *parser->at == '\t' || *parser->at == '\r'))
        parser->at++;
}

static bool next_is(const Parser *parser, char c) {
    return parser->at < parser->end && *parser->at == c;
}

static bool skip_character(Parser *parser, char c) {
    if (!next_is(parser, c))
        return false;
    parser->at++;
    return true;
}

/* -1 unless four hexadecimal digits follow. */
static int read_code_unit(Parser *parser) {
    int value = 0;

    if (parser->end - parser->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(parser->at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    parser->at += 4;
    return value;
}

/* Behind "\u". A character beyond the first 65,536 is a pair of surrogates, which is one in UTF-16
 * only; half of one is no character (RFC 8259, section 8.2) and is replaced, as others do. */
static bool parse_code_point(Parser *parser, GString *text) {
    int unit = read_code_unit(parser);
    gunichar character = (gunichar)unit;

    if (unit < 0)
        return parser_fail(parser);
    /* A string ends at a zero. */
    if (unit == 0)
        character = 0xfffd;
    if (unit >= 0xd800 && unit <= 0xdfff) {
        const char *behind = parser->at;
        int low = unit <= 0xdbff && skip_character(parser, '\\') && skip_character(parser, 'u')
                      ? read_code_unit(parser)
                      : -1;
        if (low >= 0xdc00 && low <= 0xdfff) {
            character = 0x10000u + (((gunichar)unit - 0xd800u) << 10) + ((gunichar)low - 0xdc00u);
        } else {
            parser->at = behind;
            character = 0xfffd;
        }
    }
    g_string_append_unichar(text, character);
    return true;
}

/* Behind a backslash. */
static bool parse_escape(Parser *parser, GString *text) {
    static const char letters[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";

    if (skip_character(parser, 'u'))
        return parse_code_point(parser, text);
    const char *found =
        parser->at < parser->end ? memchr(letters, *parser->at, sizeof(letters) - 1) : NULL;
    if (!found)
        return parser_fail(parser);
    parser->at++;
    g_string_append_c(text, characters[found - letters]);
    return true;
}

/* Moves to the next byte that is no ordinary part of a string. */
static void skip_plain(Parser *parser) {
    while (parser->at < parser->end && *parser->at != '"' && *parser->at != '\\' &&
           (unsigned char)*parser->at >= 0x20)
        parser->at++;
}

static char *parse_string(Parser *parser) {
    if (!skip_character(parser, '"')) {
        parser_fail(parser);
        return NULL;
    }
    const char *begin = parser->at;
    skip_plain(parser);
    if (next_is(parser, '"'))
        return g_strndup(begin, (size_t)(parser->at++ - begin));
    g_autoptr(GString) text = g_string_new_len(begin, parser->at - begin);
    while (!skip_character(parser, '"')) {
        if (!skip_character(parser, '\\')) {
            parser_fail(parser);
            return NULL;
        }
        if (!parse_escape(parser, text))
            return NULL;
        begin = parser->at;
        skip_plain(parser);
        g_string_append_len(text, begin, parser->at - begin);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static bool skip_digits(Parser *parser) {
    const char *begin = parser->at;

    while (parser->at < parser->end && g_ascii_isdigit(*parser->at))
        parser->at++;
    return parser->at > begin;
}

/* RFC 8259, section 6: no leading zeros, and digits on both sides of a point. */
static bool skip_number(Parser *parser, bool *whole) {
    skip_character(parser, '-');
    if (!skip_character(parser, '0') && !skip_digits(parser))
        return false;
    *whole = true;
    if (skip_character(parser, '.')) {
        *whole = false;
        if (!skip_digits(parser))
            return false;
    }
    if (skip_character(parser, 'e') || skip_character(parser, 'E')) {
        *whole = false;
        if (!skip_character(parser, '+'))
            skip_character(parser, '-');
        return skip_digits(parser);
    }
    return true;
}

static JsonNode *parse_number(Parser *parser) {
    const char *begin = parser->at;
    char text[NUMBER_MAX_BYTES];
    bool whole;

    if (!skip_number(parser, &whole)) {
        parser_fail(parser);
        return NULL;
    }
    size_t size = (size_t)(parser->at - begin);
    if (size < sizeof(text)) {
        memcpy(text, begin, size);
        text[size] = '\0';
        errno = 0;
        int64_t integer = whole ? g_ascii_strtoll(text, NULL, 10) : 0;
        if (whole && errno == 0) {
            JsonNode *node = json_node_new(JSON_NODE_INT);
            json_node_set_int(node, integer);
            return node;
        }
        double number = g_ascii_strtod(text, NULL);
        if (isfinite(number)) {
            JsonNode *node = json_node_new(JSON_NODE_DOUBLE);
            json_node_set_double(node, number);
            return node;
        }
    }
    parser->at = begin;
    parser_fail(parser);
    return NULL;
}

static JsonNode *parse_word(Parser *parser, const char *word, JsonNodeType type) {
    size_t size = strlen(word);

    if ((size_t)(parser->end - parser->at) < size || memcmp(parser->at, word, size) != 0) {
        parser_fail(parser);
        return NULL;
    }
    parser->at += size;
    JsonNode *node = json_node_new(type);
    if (type == JSON_NODE_BOOLEAN)
        json_node_set_boolean(node, word[0] == 't');
    return node;
}

static bool parse_member(Parser *parser, JsonObject *object) {
    g_autofree char *name = parse_string(parser);

    if (!name)
        return false;
    skip_space(parser);
    if (!skip_character(parser, ':'))
        return parser_fail(parser);
    JsonNode *value = parse_value(parser);
    if (!value)
        return false;
    json_object_set_member(object, name, value);
    skip_space(parser);
    return true;
}

static bool parse_members(Parser *parser, JsonObject *object) {
    skip_space(parser);
    if (skip_character(parser, '}'))
        return true;
    do {
        skip_space(parser);
        if (!parse_member(parser, object))
            return false;
    } while (skip_character(parser, ','));
    return skip_character(parser, '}') || parser_fail(parser);
}

static bool parse_elements(Parser *parser, JsonArray *array) {
    skip_space(parser);
    if (skip_character(parser, ']'))
        return true;
    do {
        JsonNode *value = parse_value(parser);
        if (!value)
            return false;
        json_array_add_element(array, value);
        skip_space(parser);
    } while (skip_character(parser, ','));
    return skip_character(parser, ']') || parser_fail(parser);
}

static JsonNode *parse_object(Parser *parser) {
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

    json_node_take_object(node, json_object_new());
    return parse_members(parser, json_node_get_object(node)) ? g_steal_pointer(&node) : NULL;
}

static JsonNode *parse_array(Parser *parser) {
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);

    json_node_take_array(node, json_array_new());
    return parse_elements(parser, json_node_get_array(node)) ? g_steal_pointer(&node) : NULL;
}

/* An object or an array: one more level. */
static JsonNode *parse_nested(Parser *parser) {
    if (parser->levels == 0) {
        berth_error_set(parser->error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "JSON is nested deeper than %u levels", parser->max_depth);
        return NULL;
    }
    parser->levels--;
    bool object = *parser->at++ == '{';
    JsonNode *node = object ? parse_object(parser) : parse_array(parser);
    parser->levels++;
    return node;
}

static JsonNode *parse_string_value(Parser *parser) {
    char *text = parse_string(parser);

    if (!text)
        return NULL;
    JsonNode *node = json_node_new(JSON_NODE_STRING);
    json_node_take_string(node, text);
    return node;
}

static JsonNode *parse_value(Parser *parser) {
    skip_space(parser);
    switch (parser->at < parser->end ? *parser->at : '\0') {
    case '{':
    case '[':
        return parse_nested(parser);
    case '"':
        return parse_string_value(parser);
    case 't':
        return parse_word(parser, "true", JSON_NODE_BOOLEAN);
    case 'f':
        return parse_word(parser, "false", JSON_NODE_BOOLEAN);
    case 'n':
        return parse_word(parser, "null", JSON_NODE_NULL);
    case '-':
    case '0' ... '9':
        return parse_number(parser);
    default:
        parser_fail(parser);
        return NULL;
    }
}

JsonNode *json_parse(const char *data, size_t size, unsigned max_depth, GError **error) {
    Parser parser = {
        .begin = data,
        .at = data,
        .end = data + size,
        .levels = max_depth,
        .max_depth = max_depth,
        .error = error,
    };
    /* Some servers begin with a byte order mark, which may be ignored (RFC 8259, section 8.1). */
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        parser.at += 3;
    g_autoptr(JsonNode) node = parse_value(&parser);

    if (!node)
        return NULL;
    skip_space(&parser);
    if (parser.at < parser.end) {
        parser_fail(&parser);
        return NULL;
    }
    return g_steal_pointer(&node);
}
