/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Splits a text by the printf(3) format that produced it, and fills another format with the parts.
 * Matching works as for wildcards: each literal part is searched for from the end of the previous
 * one, and its first occurrence is taken; the last part must be at the end. There is no
 * backtracking, which a text from outside could make slow.
 */

#include "client/pattern.h"

#include <string.h>

/* The length of the conversion at its "%"; 0 for "%%". Writes whether it is a number, and its
 * position if it has one ("%1$s"). */
static size_t pattern_measure_conversion(const char *at, bool *is_number, guint *position) {
    size_t digits = strspn(at + 1, "0123456789");
    size_t length = 1;

    if (at[1] == '%')
        return 0;
    if (digits > 0 && at[1 + digits] == '$') {
        *position = (guint)g_ascii_strtoull(at + 1, NULL, 10);
        length += digits + 1;
    }
    length += strspn(at + length, "-+ #0123456789.*");
    length += strspn(at + length, "hlzjt");
    *is_number = at[length] != 's' && at[length] != 'c';
    return length + 1;
}

/* Reads the literal part at *at and moves *at to the next conversion or the end. The caller frees
 * it. */
static char *pattern_read_literal(const char **at) {
    GString *literal = g_string_new(NULL);
    bool is_number;
    guint position;

    while (**at && (**at != '%' || pattern_measure_conversion(*at, &is_number, &position) == 0)) {
        g_string_append_c(literal, **at);
        *at += **at == '%' ? 2 : 1;
    }
    return g_string_free(literal, FALSE);
}

static const char *pattern_find_literal(const char *text, const char *literal, bool is_last) {
    size_t length = strlen(text), wanted = strlen(literal);

    if (!is_last)
        return strstr(text, literal);
    return length >= wanted && g_str_equal(text + length - wanted, literal) ? text + length - wanted
                                                                            : NULL;
}

static bool pattern_is_number(const char *text) {
    text += text[0] == '-';
    return text[0] && strspn(text, "0123456789abcdefABCDEFx") == strlen(text);
}

GPtrArray *dist_pattern_match(const char *pattern, const char *text) {
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *first = pattern_read_literal(&pattern);

    if (!g_str_has_prefix(text, first))
        return NULL;
    text += strlen(first);
    while (*pattern) {
        bool is_number;
        guint position = 0;
        pattern += pattern_measure_conversion(pattern, &is_number, &position);
        g_autofree char *literal = pattern_read_literal(&pattern);
        /* Of two adjacent conversions the first one gets nothing: the text does not show where it
         * ends. */
        const char *end =
            literal[0] || !*pattern ? pattern_find_literal(text, literal, !*pattern) : text;
        if (!end)
            return NULL;
        char *argument = g_strndup(text, (gsize)(end - text));
        g_ptr_array_add(arguments, argument);
        if (is_number && !pattern_is_number(argument))
            return NULL;
        text = end + strlen(literal);
    }
    return *text ? NULL : g_steal_pointer(&arguments);
}

char *dist_pattern_fill(const char *format, const GPtrArray *arguments) {
    GString *text = g_string_new(NULL);
    guint next = 0;

    for (;;) {
        g_autofree char *literal = pattern_read_literal(&format);
        bool is_number;
        guint position = 0;
        g_string_append(text, literal);
        if (!*format)
            return g_string_free(text, FALSE);
        format += pattern_measure_conversion(format, &is_number, &position);
        guint index = position > 0 ? position - 1 : next++;
        if (index < arguments->len)
            g_string_append(text, arguments->pdata[index]);
    }
}
