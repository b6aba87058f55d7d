/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Splits a value into words and writes words, by systemd's rules of quoting and escaping
 * (systemd.syntax(7)). There is no state. Words that are split here and written again have the same
 * meaning to systemd.
 */

#include "generator/words.h"

#include <string.h>

static const char whitespace[] = " \t\n\r";

/* Reads the digits of \x41, \101, \u00e9 or \U0001f600 at *at and moves past them. 0 if they are
 * malformed, and for the character NUL, which no argument can hold. */
static gunichar read_code(const char **at, int digits, int base) {
    gunichar code = 0;

    for (int i = 0; i < digits; i++) {
        int digit = g_ascii_xdigit_value((*at)[i]);
        if (digit < 0 || digit >= base)
            return 0;
        code = code * (gunichar)base + (gunichar)digit;
    }
    *at += digits;
    return code;
}

/* Reads the escape sequence after a backslash. An unknown one is kept, including its backslash. */
static void append_escape(GString *word, const char **at) {
    static const char names[] = "abfnrtvs\\\"'", meanings[] = "\a\b\f\n\r\t\v \\\"'";
    static const struct {
        char letter;
        int digits;
    } codes[] = {{'x', 2}, {'u', 4}, {'U', 8}};
    const char *name = **at ? strchr(names, **at) : NULL;
    const char *digits = *at + 1;
    gunichar code = 0;

    if (name) {
        g_string_append_c(word, meanings[name - names]);
        (*at)++;
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(codes) && code == 0; i++)
        if (**at == codes[i].letter)
            code = read_code(&digits, codes[i].digits, 16);
    if (**at >= '0' && **at <= '3') {
        digits = *at;
        code = read_code(&digits, 3, 8);
    }
    if (code == 0) {
        g_string_append_c(word, '\\');
        return;
    }
    /* \x and octal digits are a byte, the others a character. */
    if (digits - *at <= 3)
        g_string_append_c(word, (char)code);
    else if (g_unichar_validate(code))
        g_string_append_unichar(word, code);
    *at = digits;
}

/* Quotes may begin and end within a word, as in a shell. False if one is not closed; words then
 * still has what was read. */
static bool words_split(GPtrArray *words, const char *text, bool escapes) {
    char quote = 0;

    for (const char *at = text + strspn(text, whitespace); *at; at += strspn(at, whitespace)) {
        g_autoptr(GString) word = g_string_new(NULL);
        while (*at && (quote || !strchr(whitespace, *at))) {
            char c = *at++;
            if (c == '\\' && escapes)
                append_escape(word, &at);
            else if (c == quote)
                quote = 0;
            else if (!quote && (c == '"' || c == '\''))
                quote = c;
            else
                g_string_append_c(word, c);
        }
        g_ptr_array_add(words, g_string_free(g_steal_pointer(&word), FALSE));
    }
    return quote == 0;
}

bool berth_words_split(GPtrArray *words, const char *text) {
    return words_split(words, text, true);
}

void berth_words_split_names(GPtrArray *words, const char *text) {
    words_split(words, text, false);
}

/* ";" alone separates commands, and a word that begins a physical line with "#" or ";" would be a
 * comment. The first word, whose first character may have a meaning, never comes from a file. */
static bool needs_quotes(const char *word) {
    if (word[0] == '\0' || word[0] == '#' || word[0] == ';')
        return true;
    for (const char *c = word; *c; c++)
        if (g_ascii_isspace(*c) || g_ascii_iscntrl(*c) || strchr("\"'\\", *c))
            return true;
    return !g_utf8_validate(word, -1, NULL);
}

void berth_words_append(GString *text, const char *word) {
    if (!needs_quotes(word)) {
        g_string_append(text, word);
        return;
    }
    /* Such as from \xff: systemd ignores a line that is not valid UTF-8. */
    bool is_bytes = !g_utf8_validate(word, -1, NULL);
    g_string_append_c(text, '"');
    for (const char *c = word; *c; c++)
        if (*c == '"' || *c == '\\')
            g_string_append_printf(text, "\\%c", *c);
        else if (g_ascii_iscntrl(*c) || (is_bytes && (*c & 0x80)))
            g_string_append_printf(text, "\\x%02x", (unsigned)(unsigned char)*c);
        else
            g_string_append_c(text, *c);
    g_string_append_c(text, '"');
}

/* "%" begins a specifier in any value, "$" a variable in a command line only; doubled, they stand
 * for themselves (systemd.unit(5), systemd.service(5)). */
char *berth_words_escape(const char *text, bool command_line) {
    GString *escaped = g_string_new(NULL);

    for (; *text; text++) {
        if (*text == '%' || (*text == '$' && command_line))
            g_string_append_c(escaped, *text);
        g_string_append_c(escaped, *text);
    }
    return g_string_free(escaped, FALSE);
}
