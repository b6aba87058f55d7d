/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist: Berth's client for people at a terminal. This file has the options that every verb takes
 * and finds the verb; the verbs are in verbs-*.c. */

#include "dist.h"

#include "completion.h"
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DistSettings dist_settings;

static gboolean take_json(const char *option, const char *value, gpointer data, GError **error) {
    (void)option;
    (void)data;
    if (!value || g_str_equal(value, "pretty"))
        dist_settings.json = DIST_JSON_PRETTY;
    else if (g_str_equal(value, "short"))
        dist_settings.json = DIST_JSON_SHORT;
    else if (g_str_equal(value, "off"))
        dist_settings.json = DIST_JSON_OFF;
    else {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    _("--json takes pretty, short or off"));
        return FALSE;
    }
    return TRUE;
}

static gboolean show_version(const char *option, const char *value, gpointer data, GError **error) {
    (void)option;
    (void)value;
    (void)data;
    (void)error;
    puts("dist " BERTH_VERSION);
    exit(EXIT_SUCCESS);
}

static const GOptionEntry common_options[] = {
    {"host", 'H', 0, G_OPTION_ARG_STRING, &dist_settings.host, N_("Berth of another host, by ssh"),
     N_("[USER@]HOST")},
    {"machine", 'M', 0, G_OPTION_ARG_STRING, &dist_settings.machine,
     N_("Berth of a local container"), N_("MACHINE")},
    {"json", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, take_json,
     N_("Listings as JSON: pretty, short or off"), N_("MODE")},
    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &dist_settings.quiet, N_("No progress, only names"), NULL},
    {"no-pager", 0, 0, G_OPTION_ARG_NONE, &dist_settings.no_pager, N_("Accepted for scripts"),
     NULL},
    {"no-ask-password", 0, 0, G_OPTION_ARG_NONE, &dist_settings.no_ask_password,
     N_("Do not ask for passwords"), NULL},
    {"version", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, show_version,
     N_("Show the version"), NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* GLib takes the argument after an option with an optional value for its value: "info --json NAME"
 * is meant as "info --json=pretty NAME". Where what follows the first argument belongs to another
 * program (strict), that is left alone. */
static void complete_json_option(char **argv, int argc, bool strict) {
    static const char *const modes[] = {"pretty", "short", "off", NULL};

    for (int i = 1; i < argc; i++) {
        if (g_str_equal(argv[i], "--") || (strict && argv[i][0] != '-'))
            return;
        if (g_str_equal(argv[i], "--json") &&
            (i + 1 == argc || !g_strv_contains(modes, argv[i + 1])))
            argv[i] = (char *)"--json=pretty";
    }
}

bool dist_parse(const char *arguments, const char *summary, const GOptionEntry *entries,
                bool strict, int *argc, char ***argv, GError **error) {
    g_autoptr(GOptionContext) context = g_option_context_new(arguments);
    g_autoptr(GError) local = NULL;

    if (dist_completion != DIST_COMPLETE_NOTHING) {
        if (dist_completion == DIST_COMPLETE_OPTIONS) {
            dist_complete_options(entries);
            dist_complete_options(common_options);
        }
        return false;
    }
    g_option_context_set_translation_domain(context, GETTEXT_DOMAIN);
    g_option_context_set_summary(context, summary);
    g_option_context_set_strict_posix(context, strict);
    if (entries)
        g_option_context_add_main_entries(context, entries, GETTEXT_DOMAIN);
    g_option_context_add_main_entries(context, common_options, GETTEXT_DOMAIN);
    complete_json_option(*argv, *argc, strict);
    if (g_option_context_parse(context, argc, argv, &local))
        return true;
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s", local->message);
}

bool dist_check_count(int argc, int min, int max, GError **error) {
    if (argc - 1 < min)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("an argument is missing; see --help"));
    if (max >= 0 && argc - 1 > max)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("too many arguments; see --help"));
    return true;
}

/* printf() counts bytes, and "…" has three. */
static void print_usage(const char *usage, const char *summary) {
    int padding = (int)MAX(0, 34 - g_utf8_strlen(usage, -1));

    printf("  %s%*s %s\n", usage, padding, "", _(summary));
}

static void print_verbs(const char *title, const DistVerb *verbs) {
    printf("\n%s\n", title);
    for (const DistVerb *verb = verbs; verb->name; verb++) {
        g_autofree char *usage = g_strconcat(verb->name, " ", verb->arguments, NULL);
        print_usage(usage, verb->summary);
    }
}

static const DistVerb shell_verbs[] = {
    {"shell-completion", "[SHELL]", N_("write the completion for a shell"),
     dist_verb_shell_completion},
    {NULL, NULL, NULL, NULL},
};

static const DistVerb *const all_verbs[] = {
    dist_image_verbs,     dist_content_verbs,
    dist_container_verbs, dist_registry_verbs,
    dist_store_verbs,     dist_archive_verbs,
    dist_object_verbs,    dist_audit_verbs,
    shell_verbs,          NULL,
};

static void print_help(void) {
    printf(_("Usage: %s [OPTION…] VERB [ARGUMENT…]\n"), "dist");
    puts(_("Images, their contents and containers of Berth."));
    print_verbs(_("Images:"), dist_image_verbs);
    print_verbs(_("Contents:"), dist_content_verbs);
    print_verbs(_("Objects of registries:"), dist_object_verbs);
    print_verbs(_("Archives:"), dist_archive_verbs);
    print_verbs(_("What is kept:"), dist_store_verbs);
    print_verbs(_("Containers:"), dist_container_verbs);
    print_verbs(_("Registries:"), dist_registry_verbs);
    print_verbs(_("Records:"), dist_audit_verbs);
    print_verbs(_("Shells:"), shell_verbs);
    printf("\n%s\n", _("Options of every verb:"));
    for (const GOptionEntry *option = common_options; option->long_name; option++)
        printf("  --%-32s %s\n", option->long_name, _(option->description));
    printf("\n%s\n", _("\"dist VERB --help\" shows the options of a verb."));
}

static const DistVerb *find_in(const DistVerb *verbs, const char *name) {
    for (; verbs->name; verbs++)
        if (g_str_equal(verbs->name, name))
            return verbs;
    return NULL;
}

static const DistVerb *find_verb(const char *name) {
    const DistVerb *verb = NULL;

    for (size_t i = 0; !verb && all_verbs[i]; i++)
        verb = find_in(all_verbs[i], name);
    return verb;
}

int dist_run_group(const char *name, const DistVerb *verbs, int argc, char **argv, GError **error) {
    bool asks_help = argc < 2 || g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h");
    const DistVerb *verb = asks_help ? NULL : find_in(verbs, argv[1]);

    if (dist_completion != DIST_COMPLETE_NOTHING && argc < 2) {
        dist_complete_verbs(verbs);
        return EXIT_FAILURE;
    }
    if (verb && dist_completion == DIST_COMPLETE_ARGUMENTS) {
        dist_complete_argument(name, verb, argc - 2);
        return EXIT_FAILURE;
    }
    if (verb)
        return verb->run(argc - 1, argv + 1, error);
    if (!asks_help) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        _("unknown verb \"%s %s\"; see \"dist %s --help\""), name, argv[1], name);
        return EXIT_FAILURE;
    }
    for (verb = verbs; verb->name; verb++) {
        g_autofree char *usage = g_strconcat(name, " ", verb->name, " ", verb->arguments, NULL);
        print_usage(usage, verb->summary);
    }
    return argc < 2 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Options that stand before the verb; its own come after it. */
static bool parse_global(int *argc, char ***argv, GError **error) {
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) local = NULL;

    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_ignore_unknown_options(context, FALSE);
    g_option_context_add_main_entries(context, common_options, GETTEXT_DOMAIN);
    complete_json_option(*argv, *argc, true);
    if (g_option_context_parse(context, argc, argv, &local))
        return true;
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s", local->message);
}

static int run(int argc, char **argv, GError **error) {
    if (argc > 1 && (g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h") ||
                     g_str_equal(argv[1], "help"))) {
        print_help();
        return EXIT_SUCCESS;
    }
    /* For the scripts of completion/; before anything is parsed, since the line is not whole. */
    if (argc == 3 && g_str_equal(argv[1], "shell-completion") &&
        g_str_has_prefix(argv[2], "--line=")) {
        dist_settings.no_ask_password = TRUE;
        dist_complete_line(argv[2] + strlen("--line="), all_verbs, common_options, find_verb);
        return EXIT_SUCCESS;
    }
    if (!parse_global(&argc, &argv, error))
        return EXIT_FAILURE;
    if (argc < 2) {
        print_help();
        return EXIT_FAILURE;
    }
    const DistVerb *verb = find_verb(argv[1]);
    if (!verb) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        _("unknown verb \"%s\"; see \"dist --help\""), argv[1]);
        return EXIT_FAILURE;
    }
    return verb->run(argc - 1, argv + 1, error);
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;

    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_DOMAIN, BERTH_LOCALEDIR);
    bind_textdomain_codeset(GETTEXT_DOMAIN, "UTF-8");
    textdomain(GETTEXT_DOMAIN);
    g_set_prgname("dist");
    int status = run(argc, argv, &error);
    dist_agent_close();
    if (error)
        dist_print_error(error);
    return status;
}
