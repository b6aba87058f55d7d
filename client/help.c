/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lays help out for the width of the terminal, or 80 columns without one: names on the left,
 * phrases wrapped on the right. Widths count characters, not bytes.
 */

#include "client/help.h"

#include "client/aliases.h"
#include "client/screen.h"
#include "client/verbs.h"

#include <stdio.h>
#include <string.h>

enum { LEFT_COLUMNS = 30, MIN_RIGHT_COLUMNS = 24, MAX_COLUMNS = 100 };

/* One column less than the screen, since some terminals wrap in the last column. */
static int help_width(void) {
    return CLAMP(dist_screen_columns(), LEFT_COLUMNS + MIN_RIGHT_COLUMNS, MAX_COLUMNS) - 1;
}

/* Prints text wrapped at words. The first line begins at column at, where the cursor is; the others
 * are indented. */
static void help_print_wrapped(const char *text, int at, int indent) {
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    int width = help_width();
    bool is_first = true;

    for (char **word = words; *word; word++) {
        int length = (int)g_utf8_strlen(*word, -1);
        if (!is_first && at + 1 + length > width) {
            printf("\n%*s", indent, "");
            at = indent;
            is_first = true;
        }
        printf("%s%s", is_first ? "" : " ", *word);
        at += length + !is_first;
        is_first = false;
    }
    putchar('\n');
}

/* Prints a name on the left and its meaning on the right, or on the next line if the name is long.
 */
static void help_print_row(const char *name, const char *meaning) {
    int length = 2 + (int)g_utf8_strlen(name, -1);

    printf("  %s", name);
    if (length + 2 > LEFT_COLUMNS)
        printf("\n%*s", LEFT_COLUMNS, "");
    else
        printf("%*s", LEFT_COLUMNS - length, "");
    help_print_wrapped(meaning, LEFT_COLUMNS, LEFT_COLUMNS);
}

static char *help_format_usage(const DistVerb *verb, const char *path) {
    const char *arguments = verb->arguments && verb->arguments[0] ? _(verb->arguments) : "";

    return g_strconcat(path, verb->name, arguments[0] ? " " : "", arguments, NULL);
}

static void help_print_verbs(const DistVerb *verbs, const char *path) {
    for (; verbs->name; verbs++) {
        g_autofree char *usage = help_format_usage(verbs, path);
        help_print_row(usage, _(verbs->summary));
    }
}

/* "[=" marks a value that may be omitted; see option_take_next() in option.c. The caller frees the
 * text. */
char *dist_help_format_option(const DistOption *option) {
    g_autofree char *letter =
        option->letter ? g_strdup_printf("-%c, ", option->letter) : g_strdup("    ");
    bool may_be_left = option->kind == DIST_OPTION_CALL && option->choices;

    if (!option->value)
        return g_strconcat(letter, "--", option->name, NULL);
    return g_strconcat(letter, "--", option->name, may_be_left ? "[=" : "=", _(option->value),
                       may_be_left ? "]" : "", NULL);
}

/* Options of podman that are accepted without effect or refused appear only in the manual pages, so
 * that the help stays short. */
static bool help_shows_option(const DistOption *option) {
    return option->kind != DIST_OPTION_REFUSED && option->kind != DIST_OPTION_ONLY && option->help;
}

static void help_print_option(const DistOption *option, void *userdata) {
    (void)userdata;
    if (option->kind == DIST_OPTION_HEADING) {
        printf("\n%s\n", _(option->help));
    } else if (help_shows_option(option)) {
        g_autofree char *name = dist_help_format_option(option);
        help_print_row(name, _(option->help));
    }
}

void dist_help_print_verb(const DistVerb *verb, const char *path) {
    g_autofree char *arguments = help_format_usage(verb, path);
    char *rest = arguments + strlen(path) + strlen(verb->name);
    g_autofree char *name = g_strconcat(path, verb->name, NULL);

    printf(_("Usage: dist %s [OPTION…]%s\n"), name, rest);
    g_autofree char *summary = g_strconcat(_(verb->summary), ".", NULL);
    putchar('\n');
    help_print_wrapped(summary, 0, 0);
    if (verb->details)
        help_print_wrapped(_(verb->details), 0, 0);
    if (verb->options && verb->options->kind != DIST_OPTION_HEADING)
        printf("\n%s\n", _("Options:"));
    dist_option_visit(verb->options, help_print_option, NULL);
    printf("\n%s\n", _("Options of every verb:"));
    dist_option_visit(dist_common_options, help_print_option, NULL);
    if (verb->example)
        printf("\n%s\n  %s\n", _("Example:"), verb->example);
}

void dist_help_print_inner(const DistVerb *verb) {
    g_autofree char *path = g_strconcat(verb->name, " ", NULL);

    printf(_("Usage: dist %s VERB [ARGUMENT…]\n"), verb->name);
    g_autofree char *summary = g_strconcat(_(verb->summary), ".", NULL);
    putchar('\n');
    help_print_wrapped(summary, 0, 0);
    putchar('\n');
    help_print_verbs(verb->verbs, path);
}

/* A two-word name of podman's, such as "container ls", is a verb of dist; the first word alone is
 * not a verb. */
void dist_help_print_aliases(const char *word) {
    g_autofree char *prefix = g_strconcat(word, " ", NULL);

    printf(_("Usage: dist %s VERB [ARGUMENT…]\n"), word);
    putchar('\n');
    for (const DistAlias *alias = dist_aliases; alias->words; alias++) {
        g_autofree char *meaning = g_strconcat("dist ", alias->stands, NULL);
        if (g_str_has_prefix(alias->words, prefix))
            help_print_row(alias->words, meaning);
    }
}

void dist_help_print_all(void) {
    puts(_("Usage: dist [OPTION…] VERB [ARGUMENT…]"));
    printf("\n%s\n", _("Pull images and run containers through Berth's service."));
    for (const DistVerbGroup *group = dist_verb_groups; group->name; group++) {
        printf("\n%s\n", _(group->title));
        help_print_verbs(group->verbs, "");
    }
    printf("\n%s\n", _("Options of every verb:"));
    dist_option_visit(dist_common_options, help_print_option, NULL);
    printf("\n%s\n", _("\"dist VERB --help\" and \"dist help VERB\" show the options of a verb."));
}
