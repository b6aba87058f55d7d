/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of a conversion that several kinds of unit files share: keys that become options of
 * dist, commands, and references to other unit files. Everything that becomes an option is checked
 * against the table of dist's options (options.h), so that a mistake is reported with its line at
 * daemon-reload instead of when the unit starts.
 */

#include "generator/conversion.h"

#include "generator/translate.h"
#include "generator/values.h"
#include "generator/words.h"

#include <string.h>

const BerthUnitLine *berth_conversion_find(const BerthConversion *conversion, const char *key) {
    return berth_unit_file_find(conversion->source->file, conversion->section, key);
}

char *berth_conversion_get(const BerthConversion *conversion, const char *key) {
    const BerthUnitLine *line = berth_conversion_find(conversion, key);

    return line ? berth_unit_line_get_text(line) : NULL;
}

bool berth_conversion_get_flag(const BerthConversion *conversion, const char *key) {
    const BerthUnitLine *line = berth_conversion_find(conversion, key);
    bool value = false;

    if (line && !berth_unit_line_get_boolean(line, &value))
        berth_unit_line_error(conversion->problems, line, _("%s= takes yes or no, not \"%s\""), key,
                              line->value);
    return value;
}

void berth_conversion_split_line(const BerthConversion *conversion, const BerthUnitLine *line,
                                 GPtrArray *words) {
    if (!berth_words_split(words, line->value))
        berth_problem_add(conversion->problems, BERTH_PROBLEM_WARNING, line->file, line->line,
                          _("%s=: a quote is not closed"), line->key);
}

GPtrArray *berth_conversion_get_words(const BerthConversion *conversion, const char *key) {
    g_autoptr(GPtrArray) lines =
        berth_unit_file_list(conversion->source->file, conversion->section, key);
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; i < lines->len; i++)
        berth_conversion_split_line(conversion, lines->pdata[i], words);
    return words;
}

void berth_conversion_refuse(const BerthConversion *conversion, const BerthUnitLine *line,
                             const char *reason) {
    berth_unit_line_error(conversion->problems, line, _("%s= is not supported: %s"), line->key,
                          reason);
}

/* Appends words that a key passes on unchanged (GlobalArgs=, PodmanArgs=). Invalid ones are
 * appended, too: the unit is not written anyway. */
static void append_checked(const BerthConversion *conversion, const char *key, BerthVerb verb,
                           GPtrArray *words) {
    const BerthUnitLine *line = berth_conversion_find(conversion, key);
    g_autoptr(GPtrArray) given = berth_conversion_get_words(conversion, key);
    g_autofree char *reason = NULL;

    g_ptr_array_add(given, NULL);
    if (!berth_options_check_line(verb, (char **)given->pdata, &reason))
        berth_unit_line_error(conversion->problems, line, "%s=: %s", key, reason);
    for (unsigned i = 0; i + 1 < given->len; i++)
        g_ptr_array_add(words, g_strdup(given->pdata[i]));
}

/* The environment may select another dist than the installed one. The caller owns the words; the
 * list of arguments ends with NULL. */
GPtrArray *berth_conversion_new_command(const BerthConversion *conversion, const char *verb, ...) {
    const char *program = g_getenv("BERTH_DIST");
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    va_list arguments;

    g_ptr_array_add(words, g_strdup(program ? program : BERTH_DIST_PROGRAM));
    append_checked(conversion, "GlobalArgs", BERTH_VERB_GLOBAL, words);
    va_start(arguments, verb);
    for (const char *word = verb; word; word = va_arg(arguments, const char *))
        g_ptr_array_add(words, g_strdup(word));
    va_end(arguments);
    return words;
}

void berth_conversion_add_option(GPtrArray *words, const char *option, const char *value) {
    g_ptr_array_add(words, g_strconcat("--", option, value ? "=" : NULL, value, NULL));
}

bool berth_conversion_check_value(const BerthConversion *conversion, const BerthUnitLine *line,
                                  const char *option, const char *value) {
    const char *wanted = berth_value_get_wanted(option, value);

    return !wanted ||
           berth_unit_line_error(conversion->problems, line, _("%s=%s is not valid; use %s"),
                                 line->key, value, wanted);
}

/* Adds a value of a key if dist accepts it. */
static void add_value(const BerthConversion *conversion, BerthVerb verb, const BerthKey *key,
                      const BerthUnitLine *line, const char *value, GPtrArray *words) {
    g_autofree char *reason = NULL;

    if (!berth_option_check(verb, key->option, value, &reason))
        berth_conversion_refuse(conversion, line, reason);
    else if (!value || berth_conversion_check_value(conversion, line, key->option, value))
        berth_conversion_add_option(words, key->option, value);
}

/* "no" is dist's behaviour without the option. */
static void add_flag(const BerthConversion *conversion, BerthVerb verb, const BerthKey *key,
                     const BerthUnitLine *line, GPtrArray *words) {
    bool value = berth_conversion_get_flag(conversion, key->name);
    const BerthOption *option = berth_option_find(verb, key->option, strlen(key->option));
    bool has_value = option && option->kind == BERTH_OPTION_VALUE;

    if (value)
        add_value(conversion, verb, key, line, has_value ? "true" : NULL, words);
    else if (option && option->kind != BERTH_OPTION_REFUSED)
        add_value(conversion, verb, key, line, "false", words);
}

static void conversion_add_words(const BerthConversion *conversion, BerthVerb verb,
                                 const BerthKey *key, const BerthUnitLine *line, GPtrArray *words) {
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);

    berth_conversion_split_line(conversion, line, values);
    for (unsigned i = 0; i < values->len; i++)
        add_value(conversion, verb, key, line, values->pdata[i], words);
}

/* TEXT and LIST take the value as one word, without the quotes around it. */
static void add_key(const BerthConversion *conversion, BerthVerb verb, const BerthKey *key,
                    const BerthUnitLine *line, GPtrArray *words) {
    if (key->use == BERTH_KEY_FLAG) {
        add_flag(conversion, verb, key, line, words);
    } else if (key->use == BERTH_KEY_WORDS) {
        conversion_add_words(conversion, verb, key, line, words);
    } else {
        g_autofree char *text = berth_unit_line_get_text(line);
        add_value(conversion, verb, key, line, text, words);
    }
}

/* If a key is not a list, only its last line counts, as for systemd's own keys. PodmanArgs= comes
 * last. */
void berth_conversion_add_keys(const BerthConversion *conversion, BerthVerb verb,
                               GPtrArray *words) {
    for (const BerthKey *key = berth_keys_of(conversion->source->kind); key->name; key++) {
        if (key->use == BERTH_KEY_OWN || key->use == BERTH_KEY_REFUSED)
            continue;
        g_autoptr(GPtrArray) lines =
            berth_unit_file_list(conversion->source->file, conversion->section, key->name);
        bool is_list = key->use == BERTH_KEY_LIST || key->use == BERTH_KEY_WORDS;
        for (unsigned i = is_list || lines->len == 0 ? 0 : lines->len - 1; i < lines->len; i++)
            add_key(conversion, verb, key, lines->pdata[i], words);
    }
    append_checked(conversion, "PodmanArgs", verb, words);
}

/* A relative path is relative to the unit file's directory. The directory may contain characters
 * with a meaning in units, which are escaped; the path itself was written by the author and may
 * contain specifiers. */
char *berth_conversion_resolve_path(const BerthConversion *conversion, const char *path,
                                    bool command_line) {
    if (path[0] == '/' || path[0] == '%')
        return g_strdup(path);
    g_autofree char *directory = g_path_get_dirname(conversion->source->path);
    g_autofree char *escaped = berth_words_escape(directory, command_line);
    while (g_str_has_prefix(path, "./"))
        path += 2;
    return g_build_filename(escaped, path, NULL);
}

/* In a file that is a template or an instance, the name of another template stands for its instance
 * of the same name, as in podman-systemd.unit(5). */
static char *name_instance(const BerthConversion *conversion, const char *name) {
    g_autofree char *stem = berth_unit_name_get_stem(conversion->source->name), *instance = NULL;
    const char *end = strstr(name, "@.");

    berth_unit_name_split(stem, NULL, &instance);
    if (!end || !instance)
        return g_strdup(name);
    return g_strdup_printf("%.*s@%s%s", (int)(end - name), name, instance[0] ? instance : "%i",
                           end + 1);
}

/* Both dependencies are needed: with Requires= alone, the two units start at the same time
 * (systemd.unit(5)). */
char *berth_conversion_require(const BerthConversion *conversion, const BerthUnitLine *line,
                               const char *given) {
    g_autofree char *name = name_instance(conversion, given);
    g_autofree char *service = berth_unit_set_find_service(conversion->set, name);
    g_autofree char *resource = berth_unit_set_find_resource(conversion->set, name);

    if (!service || !resource) {
        berth_unit_line_error(conversion->problems, line, _("%s=: there is no unit file %s"),
                              line->key, name);
        return NULL;
    }
    if (strstr(service, "@.")) {
        berth_unit_line_error(conversion->problems, line,
                              _("%s=: %s is a template; an instance is needed"), line->key, name);
        return NULL;
    }
    berth_service_add(conversion->service, "Unit", "Requires", service);
    berth_service_add(conversion->service, "Unit", "After", service);
    return g_steal_pointer(&resource);
}

void berth_conversion_set_default(const BerthConversion *conversion, const char *key,
                                  const char *value) {
    if (!berth_unit_file_find(conversion->source->file, "Service", key))
        berth_service_add(conversion->service, "Service", key, value);
}
