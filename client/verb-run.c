/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds the verb of a command line after aliases are replaced, parses its options and runs it.
 * Errors go to main(), which prints them; the verb's status becomes that of dist.
 */

#include "client/verb-run.h"

#include "client/aliases.h"
#include "client/bus.h"
#include "client/help.h"
#include "client/host-runs.h"
#include "client/hosts.h"
#include "client/verbs-refused.h"
#include "client/verbs.h"
#include "generator/nearest.h"

#include <stdlib.h>
#include <string.h>

static void verb_offer_names(BerthNearest *nearest, const DistVerb *verbs) {
    for (; verbs->name; verbs++)
        berth_nearest_offer(nearest, verbs->name);
}

/* path: "", or the first word of a group with a blank. A verb of another engine gets an answer of
 * its own. */
static int verb_set_unknown(const char *path, const char *name, const BerthNearest *nearest,
                            GError **error) {
    g_autofree char *words = g_strconcat(path, name, NULL);
    const char *reason = dist_verb_find_reason(words);

    if (reason)
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED, _("there is no verb \"%s\": %s"), words,
                        reason);
    else if (nearest->best)
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        _("unknown verb \"%s%s\"; did you mean \"%s%s\"?"), path, name, path,
                        nearest->best);
    else
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        _("unknown verb \"%s%s\"; see \"dist %s--help\""), path, name, path);
    return EXIT_FAILURE;
}

static bool verb_check_count(const DistVerb *verb, int count, GError **error) {
    if (count < verb->min)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("%s: an argument is missing: %s"), verb->name, _(verb->arguments));
    if (verb->max >= 0 && count > verb->max)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("%s: too many arguments"),
                               verb->name);
    return true;
}

static bool verb_check_place(const DistVerb *verb, GError **error) {
    if (dist_settings.host && dist_settings.machine)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("use either -H or -M, not both"));
    return dist_bus_is_here() || !(verb->flags & DIST_VERB_HERE) ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           _("%s works on files of this machine only; run dist on the other "
                             "machine"),
                           verb->name);
}

/* With USER@MACHINE, sd-bus connects through systemd-stdio-bridge(1) in the machine, which cannot
 * pass descriptors. */
static bool verb_check_machine(const DistVerb *verb, GError **error) {
    return !dist_settings.machine || !strchr(dist_settings.machine, '@') ||
           !(verb->flags & DIST_VERB_THERE) ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           _("%s passes descriptors, which -M cannot do with a user; use -M "
                             "MACHINE or \"machinectl shell\""),
                           verb->name);
}

/* What several hosts send would overwrite each other's files here. */
static bool verb_check_hosts(const DistVerb *verb, char **argv, GError **error) {
    return !verb->writes_here || !verb->writes_here(argv) ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           _("%s writes files of this machine, so it accepts only one host"),
                           verb->name);
}

/* If the status of a verb is that of a process (DIST_VERB_RUNS), failures of dist itself have their
 * own status. */
static int verb_run_single(const DistVerb *verb, const char *path, char **argv, GError **error) {
    int failure = verb->flags & DIST_VERB_RUNS ? DIST_EXIT_BERTH : EXIT_FAILURE;
    bool strict = (verb->flags & DIST_VERB_STRICT) != 0;
    int argc;

    if (!dist_option_parse(verb->options, dist_common_options, strict, &argc, argv, error))
        return failure;
    if (dist_settings.help) {
        dist_help_print_verb(verb, path);
        return EXIT_SUCCESS;
    }
    if (!verb_check_count(verb, argc - 1, error) || !verb_check_place(verb, error))
        return failure;
    if (dist_hosts_are_several())
        return verb_check_hosts(verb, argv, error) ? dist_hosts_run_each(error) : failure;
    if (dist_settings.host && verb->flags & DIST_VERB_THERE)
        return dist_host_run_there(error);
    return verb_check_machine(verb, error) ? verb->run(argv, error) : failure;
}

/* Runs the inner verb that argv[1] names. */
static int verb_run_inner(const DistVerb *verb, char **argv, GError **error) {
    g_autofree char *path = g_strconcat(verb->name, " ", NULL);
    int argc;

    if (argv[1] && argv[1][0] == '-') {
        if (!dist_option_parse(NULL, dist_common_options, true, &argc, argv, error))
            return EXIT_FAILURE;
    }
    if (!argv[1] || dist_settings.help) {
        dist_help_print_inner(verb);
        return argv[1] || dist_settings.help ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    const DistVerb *inner = dist_verb_find_in(verb->verbs, argv[1]);
    if (inner)
        return verb_run_single(inner, path, argv + 1, error);
    BerthNearest nearest = {.word = argv[1]};
    verb_offer_names(&nearest, verb->verbs);
    return verb_set_unknown(path, argv[1], &nearest, error);
}

/* Aliases are replaced first. A word that is only the first word of aliases, such as "container",
 * is not a verb: its aliases are listed. */
int dist_verb_run(char **argv, GError **error) {
    g_autofree char **expanded = dist_alias_expand(argv);
    const DistVerb *verb = dist_verb_find(expanded[0]);
    BerthNearest nearest = {.word = expanded[0]};

    if (verb)
        return verb->verbs ? verb_run_inner(verb, expanded, error)
                           : verb_run_single(verb, "", expanded, error);
    if (dist_alias_is_group(expanded[0])) {
        bool asks = !expanded[1] || g_str_equal(expanded[1], "--help");
        g_autofree char *path = g_strconcat(expanded[0], " ", NULL);
        if (!asks) {
            nearest.word = expanded[1];
            dist_alias_offer(&nearest, expanded[0]);
            return verb_set_unknown(path, expanded[1], &nearest, error);
        }
        dist_help_print_aliases(expanded[0]);
        return expanded[1] ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    for (const DistVerbGroup *group = dist_verb_groups; group->name; group++)
        verb_offer_names(&nearest, group->verbs);
    dist_alias_offer(&nearest, NULL);
    return verb_set_unknown("", expanded[0], &nearest, error);
}

/* "help VERB" is the same as "VERB --help". */
int dist_verb_help(char **argv, GError **error) {
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    for (; *argv; argv++)
        g_ptr_array_add(words, *argv);
    g_ptr_array_add(words, (char *)"--help");
    g_ptr_array_add(words, NULL);
    return dist_verb_run((char **)words->pdata, error);
}
