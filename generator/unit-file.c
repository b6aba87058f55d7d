/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses systemd's unit syntax. A logical line consists of one or more physical ones: a backslash
 * at the end of a line becomes a space and joins the next line, and comments in between are
 * skipped. The object belongs to its source (sources.h).
 */

#include "generator/unit-file.h"

#include "generator/translate.h"

#include <string.h>

/* The position of the parser in a text. */
typedef struct {
    BerthUnitFile *file;
    BerthProblems *problems;
    const char *path;
    const char *section; /* NULL before the first section, and after a malformed header */
    bool in_section;
} Parser;

BerthUnitFile *berth_unit_file_new(void) {
    BerthUnitFile *file = g_new0(BerthUnitFile, 1);

    file->lines = g_ptr_array_new_with_free_func(g_free);
    file->texts = g_string_chunk_new(4096);
    return file;
}

void berth_unit_file_free(BerthUnitFile *file) {
    if (!file)
        return;
    g_ptr_array_unref(file->lines);
    g_string_chunk_free(file->texts);
    g_free(file);
}

/* Sections, keys and paths repeat, so each is interned; values are simply copied. */
static void unit_file_add_line(const Parser *parser, unsigned number, const char *key,
                               const char *value) {
    BerthUnitLine *line = g_new0(BerthUnitLine, 1);

    line->file = parser->path;
    line->line = number;
    line->section = parser->section;
    line->key = key ? g_string_chunk_insert_const(parser->file->texts, key) : NULL;
    line->value = value ? g_string_chunk_insert(parser->file->texts, value) : NULL;
    g_ptr_array_add(parser->file->lines, line);
}

/* A malformed header leaves parser->section NULL: the lines below it are skipped without a message
 * for each. */
static bool read_section(Parser *parser, char *text, unsigned number) {
    size_t length = strlen(text);

    parser->in_section = true;
    parser->section = NULL;
    if (length < 3 || text[length - 1] != ']' || strpbrk(text + 1, "[") ||
        strchr(text, ']') != text + length - 1)
        return berth_problem_add(parser->problems, BERTH_PROBLEM_ERROR, parser->path, number,
                                 _("malformed section header \"%s\""), text);
    text[length - 1] = '\0';
    parser->section = g_string_chunk_insert_const(parser->file->texts, text + 1);
    unit_file_add_line(parser, number, NULL, NULL);
    return true;
}

static bool read_assignment(Parser *parser, char *text, unsigned number) {
    char *equals = strchr(text, '=');

    if (!equals || equals == text)
        return berth_problem_add(parser->problems, BERTH_PROBLEM_ERROR, parser->path, number,
                                 _("\"%s\" is neither a section nor KEY=VALUE"), text);
    if (!parser->in_section)
        return berth_problem_add(parser->problems, BERTH_PROBLEM_ERROR, parser->path, number,
                                 _("an assignment before the first section"));
    /* The line is in a section whose header was malformed, which has been reported. */
    if (!parser->section)
        return false;
    *equals = '\0';
    unit_file_add_line(parser, number, g_strchomp(text), g_strstrip(equals + 1));
    return true;
}

/* Modifies text in place. */
static bool read_logical_line(Parser *parser, char *text, unsigned number) {
    g_strstrip(text);
    if (text[0] == '\0')
        return true;
    if (parser->file->lines->len >= BERTH_UNIT_MAX_LINES)
        return berth_problem_add(parser->problems, BERTH_PROBLEM_ERROR, parser->path, number,
                                 _("more than %d lines"), BERTH_UNIT_MAX_LINES);
    return text[0] == '[' ? read_section(parser, text, number)
                          : read_assignment(parser, text, number);
}

static bool is_comment(const char *text) {
    text += strspn(text, " \t\r");
    return *text == '#' || *text == ';';
}

/* Whether a backslash at the end joins the next line; an escaped backslash does not. */
static bool line_continues(const char *text, size_t length) {
    size_t backslashes = 0;

    while (backslashes < length && text[length - 1 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 1;
}

/* NUL bytes are errors: the rest of the parser works on C strings. */
static bool check_text(const Parser *parser, const char *text, size_t size) {
    const char *end;

    if (size > BERTH_UNIT_MAX_BYTES)
        return berth_problem_add(parser->problems, BERTH_PROBLEM_ERROR, parser->path, 0,
                                 _("larger than %d bytes"), BERTH_UNIT_MAX_BYTES);
    if (g_utf8_validate_len(text, size, &end))
        return true;
    unsigned line = 1;
    for (const char *c = text; c < end; c++)
        line += *c == '\n';
    return berth_problem_add(parser->problems, BERTH_PROBLEM_ERROR, parser->path, line,
                             end < text + size && *end == '\0' ? _("a NUL byte") : _("not UTF-8"));
}

/* Continues after an error, so that all errors in a file are reported at once. Lines are added to
 * those that file already has, which is how drop-ins apply (systemd.unit(5)). */
bool berth_unit_file_parse(BerthUnitFile *file, const char *path, const char *text, size_t size,
                           BerthProblems *problems) {
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    Parser parser = {file, problems, g_string_chunk_insert_const(file->texts, path), NULL, false};
    unsigned errors = problems->errors, number = 0, first = 0;

    if (!check_text(&parser, text, size))
        return false;
    g_autofree char *copy = g_strndup(text, size);
    g_autoptr(GString) logical = g_string_new(NULL);
    char *next = g_str_has_prefix(copy, byte_order_mark) ? copy + 3 : copy;
    while (next) {
        /* To systemd, a carriage return ends a line as well: passed on inside a value, it would
         * begin another line of the unit. */
        char *line = next;
        size_t length = strcspn(line, "\r\n");
        const char *end = line + length;
        next = end[0] ? line + length + (g_str_has_prefix(end, "\r\n") ? 2 : 1) : NULL;
        number++;
        line[length] = '\0';
        if (is_comment(line))
            continue;
        if (logical->len == 0)
            first = number;
        bool joins = line_continues(line, length);
        g_string_append_len(logical, line, (gssize)(joins ? length - 1 : length));
        if (joins) {
            g_string_append_c(logical, ' ');
            continue;
        }
        read_logical_line(&parser, logical->str, first);
        g_string_truncate(logical, 0);
    }
    read_logical_line(&parser, logical->str, first);
    return problems->errors == errors;
}

const BerthUnitLine *berth_unit_file_find_section(const BerthUnitFile *file, const char *section) {
    for (unsigned i = 0; i < file->lines->len; i++) {
        const BerthUnitLine *line = file->lines->pdata[i];
        if (!line->key && g_str_equal(line->section, section))
            return line;
    }
    return NULL;
}

static bool is_assignment(const BerthUnitLine *line, const char *section, const char *key) {
    return line->key && g_str_equal(line->section, section) && g_str_equal(line->key, key);
}

static const BerthUnitLine *unit_file_find_last(const BerthUnitFile *file, const char *section,
                                                const char *key) {
    for (unsigned i = file->lines->len; i > 0; i--) {
        const BerthUnitLine *line = file->lines->pdata[i - 1];
        if (is_assignment(line, section, key))
            return line;
    }
    return NULL;
}

const BerthUnitLine *berth_unit_file_find(const BerthUnitFile *file, const char *section,
                                          const char *key) {
    const BerthUnitLine *line = unit_file_find_last(file, section, key);

    return line && line->value[0] ? line : NULL;
}

bool berth_unit_file_resets(const BerthUnitFile *file, const char *section, const char *key) {
    const BerthUnitLine *line = unit_file_find_last(file, section, key);

    return line && !line->value[0];
}

/* For keys that may be repeated. An empty assignment resets the list. The file owns the lines, the
 * caller owns the list. */
GPtrArray *berth_unit_file_list(const BerthUnitFile *file, const char *section, const char *key) {
    GPtrArray *list = g_ptr_array_new();

    for (unsigned i = 0; i < file->lines->len; i++) {
        BerthUnitLine *line = file->lines->pdata[i];
        if (!is_assignment(line, section, key))
            continue;
        if (line->value[0])
            g_ptr_array_add(list, line);
        else
            g_ptr_array_set_size(list, 0);
    }
    return list;
}

char *berth_unit_line_get_text(const BerthUnitLine *line) {
    size_t length = strlen(line->value);

    if (length >= 2 && line->value[0] == '"' && line->value[length - 1] == '"')
        return g_strndup(line->value + 1, length - 2);
    return g_strdup(line->value);
}

bool berth_unit_line_get_boolean(const BerthUnitLine *line, bool *value) {
    static const char *const yes[] = {"1", "yes", "y", "true", "t", "on"};
    static const char *const no[] = {"0", "no", "n", "false", "f", "off"};

    for (size_t i = 0; i < G_N_ELEMENTS(yes); i++)
        if (g_ascii_strcasecmp(line->value, yes[i]) == 0 ||
            g_ascii_strcasecmp(line->value, no[i]) == 0) {
            *value = g_ascii_strcasecmp(line->value, yes[i]) == 0;
            return true;
        }
    return false;
}
