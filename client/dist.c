/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist: Berth's command-line client. Parses the options before the verb and has verb-run.c run the
 * verb; the verbs themselves are in verbs-*.c.
 */

#include "client/agent.h"
#include "client/completion.h"
#include "client/each.h"
#include "client/help.h"
#include "client/hosts.h"
#include "client/manual.h"
#include "client/mount-helper.h"
#include "client/settings.h"
#include "client/verb-run.h"
#include "config.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static int run_dist(int argc, char **argv, GError **error) {
    dist_hosts_set_words(argc, argv);
    /* Called by the scripts in completion/; handled before anything is parsed, since the line is
     * incomplete. */
    if (argc == 3 && g_str_equal(argv[1], "shell-completion") &&
        g_str_has_prefix(argv[2], "--line=")) {
        dist_settings.no_ask_password = TRUE;
        dist_complete_line(argv[2] + strlen("--line="));
        return EXIT_SUCCESS;
    }
    /* Called by the build. */
    if (argc == 3 && g_str_equal(argv[1], "shell-completion") &&
        g_str_has_prefix(argv[2], "--manual="))
        return dist_manual_print(argv[2] + strlen("--manual=")) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (!dist_option_parse(NULL, dist_common_options, true, &argc, argv, error))
        return EXIT_FAILURE;
    bool is_help = argc > 1 && g_str_equal(argv[1], "help");
    if (argc - is_help < 2) {
        dist_help_print_all();
        return is_help || dist_settings.help ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    return is_help ? dist_verb_help(argv + 2, error) : dist_verb_run(argv + 1, error);
}

int main(int argc, char **argv) {
    /* Only what dist uses: character types, messages, the sort order of tables, the decimal point.
     * For each category at least one file is searched for, opened and mapped; LC_ALL would load
     * thirteen. */
    static const int categories[] = {LC_CTYPE, LC_MESSAGES, LC_COLLATE, LC_NUMERIC};
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(categories); i++)
        setlocale(categories[i], "");
    bindtextdomain(GETTEXT_DOMAIN, BERTH_LOCALEDIR);
    bind_textdomain_codeset(GETTEXT_DOMAIN, "UTF-8");
    textdomain(GETTEXT_DOMAIN);
    if (dist_mount_helper_is(argv[0])) {
        g_set_prgname("mount.berth");
        return dist_mount_helper_run(argc, argv);
    }
    g_set_prgname("dist");
    int status = run_dist(argc, argv, &error);
    dist_agent_close();
    if (error)
        dist_print_error(error);
    return status;
}
