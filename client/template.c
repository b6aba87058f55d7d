/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fills the templates of --format: the subset of Go's text/template that people paste from docker
 * and podman. Anything else in braces is an error, so that a template is never filled wrongly;
 * unclosed braces are plain text. Each block (range, if) is read to its end by one call of
 * template_fill_block(), which also skips blocks that are not printed.
 */

#include "client/template.h"

#include "client/format.h"
#include "client/settings.h"

#include <string.h>

/* What ended a block. */
typedef enum {
    TEMPLATE_ENDS_WITH_TEXT,
    TEMPLATE_ENDS_WITH_END,
    TEMPLATE_ENDS_WITH_ELSE,
} TemplateEnding;

/* A position in the template, which blocks move on, and the text so far. */
typedef struct {
    const char *at;
    GString *text;
    json_object *values; /* for "json" outside of blocks */
    unsigned depth;
} Template;

/* Deeper than anybody writes, and shallow enough for the stack. */
enum { TEMPLATE_MAX_DEPTH = 16 };

static bool template_fill_block(Template *template, json_object *dot, bool shown,
                                TemplateEnding *ending, GError **error);

/* The member with this name, or the one that only differs in case: a container's document has both
 * "state" and docker's "State". */
static bool template_find_member(json_object *object, const char *name, json_object **value) {
    if (!json_object_is_type(object, json_type_object))
        return false;
    if (json_object_object_get_ex(object, name, value))
        return true;
    json_object_object_foreach(object, key, member) {
        if (g_ascii_strcasecmp(key, name) == 0) {
            *value = member;
            return true;
        }
    }
    return false;
}

/* path: "." or ".Name.Member". */
static bool template_find(json_object *dot, const char *path, json_object **value) {
    g_auto(GStrv) names = path[0] == '.' ? g_strsplit(path + 1, ".", -1) : NULL;

    if (!names)
        return false;
    *value = dot;
    for (char **name = names; *name; name++)
        if (!template_find_member(*value, *name, value))
            return false;
    return true;
}

/* As Go prints values: [a b], map[k:v]. */
static void template_print(GString *text, json_object *value) {
    const char *blank = "";

    if (json_object_is_type(value, json_type_array)) {
        g_string_append_c(text, '[');
        for (size_t i = 0; i < json_object_array_length(value); i++, blank = " ") {
            g_string_append(text, blank);
            template_print(text, json_object_array_get_idx(value, i));
        }
        g_string_append_c(text, ']');
    } else if (json_object_is_type(value, json_type_object)) {
        g_string_append(text, "map[");
        json_object_object_foreach(value, key, member) {
            g_autofree char *name = dist_format_text(key, "");
            g_string_append_printf(text, "%s%s:", blank, name);
            template_print(text, member);
            blank = " ";
        }
        g_string_append_c(text, ']');
    } else if (value) {
        g_autofree char *plain = dist_format_text(json_object_get_string(value), "");
        g_string_append(text, plain);
    }
}

static bool template_set_error(const char *action, GError **error) {
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("--format: unknown field \"{{%s}}\""), action);
}

/* index VALUE KEY…: a missing key is empty, as in a Go map of strings. */
static bool template_find_index(json_object *dot, char **words, json_object **value) {
    uint64_t number;

    if (!words[0] || !template_find(dot, words[0], value))
        return false;
    for (char **key = words + 1; *key; key++) {
        json_object *in = *value;
        *value = NULL;
        if (json_object_is_type(in, json_type_object))
            json_object_object_get_ex(in, *key, value);
        else if (json_object_is_type(in, json_type_array) &&
                 g_ascii_string_to_unsigned(*key, 10, 0, G_MAXINT, &number, NULL))
            *value = json_object_array_get_idx(in, number);
    }
    return true;
}

/* Whether Go takes a value for true: not false, 0, "" or empty. */
static bool template_is_true(json_object *value) {
    if (json_object_is_type(value, json_type_array))
        return json_object_array_length(value) > 0;
    if (json_object_is_type(value, json_type_object))
        return json_object_object_length(value) > 0;
    return json_object_get_boolean(value);
}

/* The elements of an array, or the values of an object. */
static GPtrArray *template_list(json_object *value) {
    GPtrArray *elements = g_ptr_array_new();

    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member) {
            (void)key;
            g_ptr_array_add(elements, member);
        }
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            g_ptr_array_add(elements, json_object_array_get_idx(value, i));
    }
    return elements;
}

/* Fills the block once for each element. If there is none, it is only skipped, and an "else" is
 * shown. */
static bool template_fill_range(Template *template, json_object *list, json_object *dot, bool shown,
                                GError **error) {
    g_autoptr(GPtrArray) elements = template_list(list);
    bool any = shown && elements->len > 0;
    const char *body = template->at;
    TemplateEnding ending = TEMPLATE_ENDS_WITH_END;

    for (guint i = 0; i < (any ? elements->len : 1); i++) {
        template->at = body;
        if (!template_fill_block(template, any ? elements->pdata[i] : NULL, any, &ending, error))
            return false;
    }
    return ending != TEMPLATE_ENDS_WITH_ELSE ||
           template_fill_block(template, dot, shown && !any, &ending, error);
}

static bool template_fill_if(Template *template, json_object *dot, bool is_true, bool shown,
                             GError **error) {
    TemplateEnding ending;

    return template_fill_block(template, dot, shown && is_true, &ending, error) &&
           (ending != TEMPLATE_ENDS_WITH_ELSE ||
            template_fill_block(template, dot, shown && !is_true, &ending, error));
}

/* An action other than end and else. In a block that is not shown, fields are not looked up. */
static bool template_fill_action(Template *template, const char *action, json_object *dot,
                                 bool shown, GError **error) {
    g_auto(GStrv) words = NULL;
    json_object *value = NULL;
    int count;

    if (!g_shell_parse_argv(action, &count, &words, NULL))
        return template_set_error(action, error);
    bool has_one = count == 2;

    if (has_one && (g_str_equal(words[0], "range") || g_str_equal(words[0], "if"))) {
        if (shown && !template_find(dot, words[1], &value))
            return template_set_error(action, error);
        return words[0][0] == 'r'
                   ? template_fill_range(template, value, dot, shown, error)
                   : template_fill_if(template, dot, template_is_true(value), shown, error);
    }
    if (!shown)
        return true;
    if (has_one && g_str_equal(words[0], "json")) {
        if (!template_find(template->values && template->depth == 1 ? template->values : dot,
                           words[1], &value))
            return template_set_error(action, error);
        g_autofree char *json = dist_format_value(value, false);
        g_string_append(template->text, json);
        return true;
    }
    /* In docker and podman, ".Label KEY" is a value of .Labels. */
    char *label[] = {(char *)".Labels", words[1], NULL};
    bool found = g_str_equal(words[0], "index") ? template_find_index(dot, words + 1, &value)
                 : has_one && g_str_equal(words[0], ".Label")
                     ? template_find_index(dot, label, &value)
                     : template_find(dot, action, &value);
    if (!found)
        return template_set_error(action, error);
    template_print(template->text, value);
    return true;
}

/* "\t" and "\n" are the two escapes that a shell leaves in a quoted format. */
static void template_copy_character(Template *template, bool shown) {
    bool escaped = template->at[0] == '\\' && (template->at[1] == 't' || template->at[1] == 'n');
    char c = !escaped ? template->at[0] : template->at[1] == 't' ? '\t' : '\n';

    template->at += escaped ? 2 : 1;
    if (shown)
        g_string_append_c(template->text, c);
}

static bool template_fill_block(Template *template, json_object *dot, bool shown,
                                TemplateEnding *ending, GError **error) {
    if (template->depth == TEMPLATE_MAX_DEPTH)
        return template_set_error("range", error);
    template->depth++;
    while (*template->at) {
        const char *end = g_str_has_prefix(template->at, "{{") ? strstr(template->at, "}}") : NULL;
        if (!end) {
            template_copy_character(template, shown);
            continue;
        }
        g_autofree char *action =
            g_strstrip(g_strndup(template->at + 2, (gsize)(end - template->at - 2)));
        bool is_else = g_str_equal(action, "else");
        if (template->depth > 1 && (is_else || g_str_equal(action, "end"))) {
            template->at = end + 2;
            template->depth--;
            *ending = is_else ? TEMPLATE_ENDS_WITH_ELSE : TEMPLATE_ENDS_WITH_END;
            return true;
        }
        template->at = end + 2;
        if (!template_fill_action(template, action, dot, shown, error))
            return false;
    }
    *ending = TEMPLATE_ENDS_WITH_TEXT;
    return --template->depth == 0 || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                                                     _("--format: \"{{end}}\" is missing"));
}

char *dist_template_fill(const char *template, json_object *object, json_object *values,
                         GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    Template all = {.at = template, .text = text, .values = values};
    TemplateEnding ending;

    if (!template_fill_block(&all, object, true, &ending, error))
        return NULL;
    return g_string_free(g_steal_pointer(&text), FALSE);
}
