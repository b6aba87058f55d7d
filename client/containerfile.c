/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads a Containerfile (Containerfile(5)) just far enough to find the images that it builds on:
 * FROM, the ARG lines before it, and COPY --from. Anything else is left to the builder, which
 * reports errors; a line that is not understood only makes the list shorter.
 */

#include "client/containerfile.h"

#include <stdbool.h>
#include <string.h>

typedef struct {
    GHashTable *variables; /* of ARG lines before the first FROM, and of --build-arg */
    GHashTable *given;     /* of --build-arg only */
    GHashTable *stages;
    GPtrArray *images;
    bool begun; /* a FROM was read: later ARG lines belong to the stage */
} ContainerfileReader;

/* Reads the name at *at, which follows a "$", and moves past it. fallback: of ${NAME:-FALLBACK}. */
static char *containerfile_take_variable(const char **at, char **fallback) {
    bool braces = **at == '{';
    const char *name = *at + braces;
    size_t length = 0;

    while (g_ascii_isalnum(name[length]) || name[length] == '_')
        length++;
    const char *end = name + length;
    *fallback = NULL;
    if (braces) {
        const char *close = strchr(end, '}');
        if (close && g_str_has_prefix(end, ":-"))
            *fallback = g_strndup(end + 2, (gsize)(close - end - 2));
        end = close ? close + 1 : end;
    }
    *at = end;
    return g_strndup(name, length);
}

/* NULL if a variable has no value. */
static char *expand_variables(const ContainerfileReader *reader, const char *text) {
    g_autoptr(GString) result = g_string_new(NULL);

    while (*text) {
        if (*text != '$') {
            g_string_append_c(result, *text++);
            continue;
        }
        text++;
        g_autofree char *fallback = NULL;
        g_autofree char *name = containerfile_take_variable(&text, &fallback);
        const char *value = g_hash_table_lookup(reader->variables, name);
        if ((!value || !value[0]) && !fallback)
            return NULL;
        g_string_append(result, value && value[0] ? value : fallback);
    }
    return g_string_free(g_steal_pointer(&result), FALSE);
}

static void containerfile_add_image(ContainerfileReader *reader, const char *text) {
    g_autofree char *name = expand_variables(reader, text);
    g_autofree char *lower = name ? g_ascii_strdown(name, -1) : NULL;

    if (!name || !name[0] || g_str_equal(name, "scratch") ||
        g_hash_table_contains(reader->stages, lower) ||
        g_ptr_array_find_with_equal_func(reader->images, name, g_str_equal, NULL))
        return;
    g_ptr_array_add(reader->images, g_steal_pointer(&name));
}

static void containerfile_read_argument(ContainerfileReader *reader, char *const *words) {
    for (; !reader->begun && *words; words++) {
        const char *equals = strchr(*words, '=');
        g_autofree char *name = equals ? g_strndup(*words, (gsize)(equals - *words)) : NULL;
        if (!name || g_hash_table_contains(reader->given, name))
            continue;
        size_t length = strlen(equals + 1);
        bool quoted = length > 1 && strchr("\"'", equals[1]) && equals[length] == equals[1];
        g_hash_table_insert(reader->variables, g_steal_pointer(&name),
                            quoted ? g_strndup(equals + 2, length - 2) : g_strdup(equals + 1));
    }
}

/* "FROM [--platform=…] IMAGE [AS STAGE]" */
static void containerfile_read_from(ContainerfileReader *reader, char *const *words) {
    while (*words && g_str_has_prefix(*words, "--"))
        words++;
    reader->begun = true;
    if (!*words)
        return;
    containerfile_add_image(reader, *words);
    if (words[1] && g_ascii_strcasecmp(words[1], "as") == 0 && words[2])
        g_hash_table_add(reader->stages, g_ascii_strdown(words[2], -1));
}

/* A number refers to a stage. */
static void containerfile_read_copy(ContainerfileReader *reader, char *const *words) {
    for (; *words && g_str_has_prefix(*words, "--"); words++)
        if (g_str_has_prefix(*words, "--from=") &&
            !g_ascii_string_to_unsigned(*words + strlen("--from="), 10, 0, 10000, NULL, NULL))
            containerfile_add_image(reader, *words + strlen("--from="));
}

static void containerfile_read_line(ContainerfileReader *reader, const char *line) {
    g_auto(GStrv) all = g_strsplit_set(line, " \t\r", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    for (char **word = all; *word; word++)
        if ((*word)[0])
            g_ptr_array_add(words, *word);
    g_ptr_array_add(words, NULL);
    char **list = (char **)words->pdata;
    if (!list[0] || list[0][0] == '#')
        return;
    if (g_ascii_strcasecmp(list[0], "from") == 0)
        containerfile_read_from(reader, list + 1);
    else if (g_ascii_strcasecmp(list[0], "arg") == 0)
        containerfile_read_argument(reader, list + 1);
    else if (g_ascii_strcasecmp(list[0], "copy") == 0)
        containerfile_read_copy(reader, list + 1);
}

/* A line that ends in a backslash continues on the next one. */
static char *join_lines(const char *text) {
    g_autoptr(GRegex) end = g_regex_new("\\\\[ \\t]*\\r?\\n", 0, 0, NULL);
    char *joined = g_regex_replace_literal(end, text, -1, 0, " ", 0, NULL);

    return joined ? joined : g_strdup("");
}

char **dist_containerfile_list_images(const char *text, char *const *arguments) {
    ContainerfileReader reader = {
        .variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .stages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .images = g_ptr_array_new(),
    };
    g_autofree char *joined = join_lines(text);
    g_auto(GStrv) lines = g_strsplit(joined, "\n", -1);

    for (; arguments && *arguments; arguments++) {
        const char *equals = strchr(*arguments, '=');
        const char *value = equals ? equals + 1 : g_getenv(*arguments);
        char *name = g_strndup(*arguments, strcspn(*arguments, "="));
        g_hash_table_insert(reader.variables, g_strdup(name), g_strdup(value ? value : ""));
        g_hash_table_add(reader.given, name);
    }
    for (char **line = lines; *line; line++)
        containerfile_read_line(&reader, *line);
    g_hash_table_unref(reader.variables);
    g_hash_table_unref(reader.given);
    g_hash_table_unref(reader.stages);
    g_ptr_array_add(reader.images, NULL);
    return (char **)g_ptr_array_free(reader.images, FALSE);
}
