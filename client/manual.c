/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints manual pages, man(7), from the tables of verbs and options. A page has a group's verbs,
 * each with its synopsis, its options under their titles, and its example: what --help shows, plus
 * options that are only recognized and refused.
 */

#include "client/manual.h"

#include "client/help.h"
#include "client/verb.h"
#include "client/verbs.h"

#include <stdio.h>
#include <string.h>

/* Escapes text for roff: backslashes, literal hyphens, and a dot or an apostrophe at the beginning
 * of a line. */
static void manual_print_text(const char *text) {
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
}

static void manual_print_line(const char *text) {
    manual_print_text(text);
    putchar('\n');
}

static void manual_print_bold(const char *text) {
    fputs("\\fB", stdout);
    manual_print_text(text);
    fputs("\\fP", stdout);
}

/* Prints a phrase as a sentence. */
static void manual_print_sentence(const char *text) {
    manual_print_text(text);
    puts(text[0] && strchr(".!?", text[strlen(text) - 1]) ? "" : ".");
}

static void manual_print_option(const DistOption *option, void *userdata) {
    (void)userdata;
    if (option->kind == DIST_OPTION_HEADING) {
        puts(".PP");
        manual_print_line(option->help);
        return;
    }
    g_autofree char *name = dist_help_format_option(option);
    puts(".TP");
    manual_print_bold(g_strchug(name));
    putchar('\n');
    if (option->kind == DIST_OPTION_REFUSED) {
        fputs("Not supported: ", stdout);
        manual_print_sentence(option->help);
    } else if (option->kind == DIST_OPTION_ONLY) {
        printf("Only %s: ", option->choices[0]);
        manual_print_sentence(option->help);
    } else {
        manual_print_sentence(option->help ? option->help : "Accepted, as podman has it");
    }
}

static void manual_print_verb(const DistVerb *verb, const char *path) {
    g_autofree char *name = g_strconcat(path, verb->name, NULL);

    printf(".SH \"DIST ");
    manual_print_text(name);
    puts("\"");
    manual_print_bold("dist ");
    manual_print_bold(name);
    fputs(verb->verbs ? " " : " [OPTION…] ", stdout);
    manual_print_line(verb->arguments ? verb->arguments : "");
    puts(".PP");
    manual_print_sentence(verb->summary);
    if (verb->details)
        manual_print_line(verb->details);
    dist_option_visit(verb->options, manual_print_option, NULL);
    if (verb->example) {
        puts(".PP\nExample:\n.PP\n.nf\n.RS");
        manual_print_line(verb->example);
        puts(".RE\n.fi");
    }
    g_autofree char *inner = g_strconcat(verb->name, " ", NULL);
    for (const DistVerb *each = verb->verbs; each && each->name; each++)
        manual_print_verb(each, inner);
}

/* The date in .TH is empty, so that the page does not change with each build. */
static void manual_print_group(const DistVerbGroup *group) {
    g_autofree char *upper = g_ascii_strup(group->name, -1);

    printf(".TH DIST\\-%s 1 \"\" Berth \"User Commands\"\n.SH NAME\ndist\\-%s \\- ", upper,
           group->name);
    for (const DistVerb *verb = group->verbs; verb->name; verb++)
        printf("%s%s", verb == group->verbs ? "" : ", ", verb->name);
    puts(" of dist(1)");
    for (const DistVerb *verb = group->verbs; verb->name; verb++)
        manual_print_verb(verb, "");
    puts(".SH OPTIONS OF EVERY VERB");
    dist_option_visit(dist_common_options, manual_print_option, NULL);
    puts(".SH SEE ALSO\n.BR dist (1),\n.BR berthd (8)");
}

static const char *manual_find_way(const DistVerb *verb) {
    return verb->flags & DIST_VERB_THERE     ? "there"
           : verb->flags & DIST_VERB_STREAMS ? "stream"
           : verb->flags & DIST_VERB_HERE    ? "refused"
                                             : "bus";
}

/* Prints how each verb works with -H, for the test of docs/fleet.md. */
static void manual_print_ways(void) {
    for (const DistVerbGroup *group = dist_verb_groups; group->name; group++)
        for (const DistVerb *verb = group->verbs; verb->name; verb++)
            if (!verb->verbs)
                printf("%s\t%s\n", manual_find_way(verb), verb->name);
            else
                for (const DistVerb *inner = verb->verbs; inner->name; inner++)
                    printf("%s\t%s %s\n", manual_find_way(inner), verb->name, inner->name);
}

bool dist_manual_print(const char *name) {
    if (g_str_equal(name, "hosts")) {
        manual_print_ways();
        return true;
    }
    for (const DistVerbGroup *group = dist_verb_groups; group->name; group++)
        if (g_str_equal(group->name, name)) {
            manual_print_group(group);
            return true;
        }
    return false;
}
