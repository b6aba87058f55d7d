/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses a command line according to tables of options, like getopt_long(3): "-it", "-p80:80",
 * "--name value", "--name=value"; "--" ends the options. GLib's parser is not used because it
 * supports neither "-p80:80" nor "--rm=true", which people paste from other tools.
 */

#include "client/option.h"

#include "client/translate.h"
#include "generator/nearest.h"

#include <errno.h>
#include <string.h>

/* The state of parsing argv: at is the next word, and the first count words are the arguments that
 * are not options, moved to the front. Values point into argv. */
typedef struct {
    const DistOption *table, *common;
    char **argv;
    int at, count;
} OptionParser;

/* podman's flags take a value only after "=". */
static bool option_is_boolean(const DistOption *option) {
    return g_strcmp0(option->value, "BOOL") == 0;
}

bool dist_option_has_value(const DistOption *option) {
    return option->kind == DIST_OPTION_TEXT || option->kind == DIST_OPTION_LIST ||
           option->kind == DIST_OPTION_NUMBER ||
           (option->kind == DIST_OPTION_ONLY && !option_is_boolean(option)) ||
           (option->kind == DIST_OPTION_CALL && option->value);
}

const DistOption *dist_option_find(const DistOption *table, const char *name, size_t length) {
    const DistOption *found = NULL;

    for (; table && table->name && !found; table++)
        if (table->kind == DIST_OPTION_TABLE)
            found = dist_option_find(table->target, name, length);
        else if (length > 0 && strlen(table->name) == length &&
                 strncmp(table->name, name, length) == 0)
            found = table;
    return found;
}

/* Options without a letter have 0. */
const DistOption *dist_option_find_letter(const DistOption *table, char letter) {
    const DistOption *found = NULL;

    for (; table && table->name && !found; table++)
        if (table->kind == DIST_OPTION_TABLE)
            found = dist_option_find_letter(table->target, letter);
        else if (letter != 0 && table->letter == letter)
            found = table;
    return found;
}

void dist_option_visit(const DistOption *table, DistOptionVisit visit, void *userdata) {
    for (; table && table->name; table++)
        if (table->kind == DIST_OPTION_TABLE)
            dist_option_visit(table->target, visit, userdata);
        else
            visit(table, userdata);
}

static void option_offer_name(const DistOption *option, void *userdata) {
    if (option->name[0] && option->kind != DIST_OPTION_REFUSED)
        berth_nearest_offer(userdata, option->name);
}

static bool option_set_unknown(const OptionParser *parser, const char *name, GError **error) {
    BerthNearest nearest = {.word = name};

    dist_option_visit(parser->table, option_offer_name, &nearest);
    dist_option_visit(parser->common, option_offer_name, &nearest);
    if (nearest.best)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("unknown option --%s; did you mean --%s?"), name, nearest.best);
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("unknown option --%s; see --help"), name);
}

bool dist_option_read_flag(const char *value, gboolean *flag) {
    static const char *const yes[] = {"true", "1", "yes", NULL}, *const no[] = {"false", "0", "no",
                                                                                NULL};

    if (value && !g_strv_contains(yes, value) && !g_strv_contains(no, value))
        return false;
    *flag = !value || g_strv_contains(yes, value);
    return true;
}

/* podman accepts "--rm=false" but not "--rm false", where false would be an argument. */
static bool option_set_flag(const DistOption *option, const char *value, GError **error) {
    gboolean flag;

    if (!dist_option_read_flag(value, &flag))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("--%s takes true or false, not \"%s\""), option->name, value);
    if (option->target)
        *(gboolean *)option->target = flag;
    return true;
}

static bool option_set_number(const DistOption *option, const char *value, GError **error) {
    char *end;

    errno = 0;
    gint64 number = g_ascii_strtoll(value, &end, 10);
    if (option->choices && g_strv_contains(option->choices, value)) {
        *(gint64 *)option->target = -1;
        return true;
    }
    if (errno != 0 || end == value || *end != '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("--%s takes a number, not \"%s\""), option->name, value);
    if (option->target)
        *(gint64 *)option->target = number;
    return true;
}

/* Appends value, which must live as long as the list. The list ends with NULL. */
void dist_option_add_to_list(char ***list, char *value) {
    guint count = *list ? g_strv_length(*list) : 0;

    *list = g_renew(char *, *list, count + 2);
    (*list)[count] = value;
    (*list)[count + 1] = NULL;
}

static bool option_take_only(const DistOption *option, const char *value, GError **error) {
    return g_strv_contains(option->choices, value) ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED, _("--%s=%s is not supported: %s"),
                           option->name, value, _(option->help));
}

/* value: the text after "=", or the next word; NULL for a flag. An option without a target is
 * accepted and has no effect. */
static bool option_take(const DistOption *option, char *value, GError **error) {
    switch (option->kind) {
    case DIST_OPTION_FLAG:
        return option_set_flag(option, value, error);
    case DIST_OPTION_TEXT:
        if (option->target)
            *(char **)option->target = value;
        return true;
    case DIST_OPTION_LIST:
        if (option->target)
            dist_option_add_to_list(option->target, value);
        return true;
    case DIST_OPTION_NUMBER:
        return option_set_number(option, value, error);
    case DIST_OPTION_CALL:
        return option->take(value, error);
    case DIST_OPTION_ONLY:
        return option_take_only(option, value ? value : "true", error);
    case DIST_OPTION_REFUSED:
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, _("--%s is not supported: %s"),
                               option->name, _(option->help));
    case DIST_OPTION_HEADING:
    case DIST_OPTION_TABLE:
        break;
    }
    g_assert_not_reached();
}

/* Takes the next word as the value of an option that needs one. For a DIST_OPTION_CALL with choices
 * the value is optional: the next word is taken only if it is one of the choices. */
static bool option_take_next(OptionParser *parser, const DistOption *option, GError **error) {
    char *next = parser->argv[parser->at];

    if (!dist_option_has_value(option))
        return option_take(option, NULL, error);
    if (option->kind == DIST_OPTION_CALL && option->choices &&
        (!next || !g_strv_contains(option->choices, next)))
        return option_take(option, NULL, error);
    if (!next)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("--%s needs a value: %s"),
                               option->name, option->value ? _(option->value) : "");
    parser->at++;
    return option_take(option, next, error);
}

/* An option of the verb takes precedence over a common one of the same name. */
static bool option_parse_long(OptionParser *parser, char *word, GError **error) {
    size_t length = strcspn(word, "=");
    const DistOption *option = dist_option_find(parser->table, word, length);

    if (!option)
        option = dist_option_find(parser->common, word, length);
    if (!option) {
        g_autofree char *name = g_strndup(word, length);
        return option_set_unknown(parser, name, error);
    }
    if (word[length] == '\0')
        return option_take_next(parser, option, error);
    if (option->kind == DIST_OPTION_CALL && !option->value)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("--%s takes no value"),
                               option->name);
    return option_take(option, word + length + 1, error);
}

/* "-it" is two flags; a letter with a value takes the rest of the word, or the next word. */
static bool option_parse_letters(OptionParser *parser, char *word, GError **error) {
    for (; *word; word++) {
        const DistOption *option = dist_option_find_letter(parser->table, *word);
        if (!option)
            option = dist_option_find_letter(parser->common, *word);
        if (!option)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("unknown option -%c; see --help"), *word);
        if (dist_option_has_value(option) && word[1])
            return option_take(option, word[1] == '=' ? word + 2 : word + 1, error);
        if (!option_take_next(parser, option, error))
            return false;
    }
    return true;
}

static bool option_parse_word(OptionParser *parser, char *word, GError **error) {
    return word[1] == '-' ? option_parse_long(parser, word + 2, error)
                          : option_parse_letters(parser, word + 1, error);
}

/* Modifies argv: options are removed, and it is terminated by NULL again. */
bool dist_option_parse(const DistOption *table, const DistOption *common, bool strict, int *argc,
                       char **argv, GError **error) {
    OptionParser parser = {table, common, argv, 1, 1};
    bool ended = false;

    while (argv[parser.at]) {
        char *word = argv[parser.at++];
        if (!ended && g_str_equal(word, "--")) {
            ended = true;
        } else if (ended || word[0] != '-' || word[1] == '\0') {
            argv[parser.count++] = word;
            /* The rest is for another parser: the options of the command to run, for example. */
            ended = ended || strict;
        } else if (!option_parse_word(&parser, word, error)) {
            return false;
        }
    }
    argv[parser.count] = NULL;
    *argc = parser.count;
    return true;
}
