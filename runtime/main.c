/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-runtime: a command line of OCI runtimes for the service's containers, for podman,
 * containerd and other engines. Everything is done over the bus with the caller's rights. Messages
 * are English whatever the locale: engines search them for certain words.
 */

#include "config.h"
#include "inherited.h"
#include "title.h"
#include "verbs.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

static const RuntimeVerb verbs[] = {
    {"create", runtime_create_options, false, 1, 1, "ID", runtime_verb_create, EXIT_FAILURE},
    {"start", runtime_no_options, false, 1, 1, "ID", runtime_verb_start, EXIT_FAILURE},
    {"run", runtime_run_options, false, 1, 1, "ID", runtime_verb_run, EXIT_FAILURE},
    {"exec", runtime_exec_options, true, 1, -1, "ID [COMMAND…]", runtime_verb_exec, 255},
    {"state", runtime_no_options, false, 1, 1, "ID", runtime_verb_state, EXIT_FAILURE},
    {"kill", runtime_kill_options, false, 1, 2, "ID [SIGNAL]", runtime_verb_kill, EXIT_FAILURE},
    {"delete", runtime_delete_options, false, 1, 1, "ID", runtime_verb_delete, EXIT_FAILURE},
    {"list", runtime_list_options, false, 0, 0, "", runtime_verb_list, EXIT_FAILURE},
    {"ps", runtime_format_options, true, 1, -1, "ID [OPTION OF ps…]", runtime_verb_ps,
     EXIT_FAILURE},
    {"pause", runtime_no_options, false, 1, 1, "ID", runtime_verb_pause, EXIT_FAILURE},
    {"resume", runtime_no_options, false, 1, 1, "ID", runtime_verb_resume, EXIT_FAILURE},
    {"update", runtime_update_options, false, 1, 1, "ID", runtime_verb_update, EXIT_FAILURE},
    {"events", runtime_events_options, false, 1, 1, "ID", runtime_verb_events, EXIT_FAILURE},
    {"checkpoint", runtime_checkpoint_options, false, 1, 1, "ID", runtime_verb_checkpoint,
     EXIT_FAILURE},
    {"restore", runtime_restore_options, false, 1, 1, "ID", runtime_verb_restore, EXIT_FAILURE},
    {"spec", runtime_spec_options, false, 0, 0, "", runtime_verb_spec, EXIT_FAILURE},
    {"features", runtime_no_options, false, 0, 0, "", runtime_verb_features, EXIT_FAILURE},
    {.name = NULL},
};

static int print_version(void) {
    printf("berth-runtime version %s\nspec: 1.0.2\n+SYSTEMD +APPARMOR +CAP +SECCOMP +CRIU\n",
           BERTH_VERSION);
    return EXIT_SUCCESS;
}

static int run(int argc, char **argv, GError **error) {
    RuntimeOptions *options = &runtime_options;

    if (!runtime_options_parse(options, verbs, argc, argv, error))
        return options->verb ? options->verb->failure : EXIT_FAILURE;
    if (options->version)
        return print_version();
    if (!runtime_inherited_find(options->preserve_fds, &options->preserved, error) ||
        !runtime_log_open(options->log, options->format, options->debug, error))
        return EXIT_FAILURE;
    runtime_log(RUNTIME_LOG_DEBUG, "%s %s", options->verb->name,
                options->arguments[0] ? options->arguments[0] : "");
    return options->verb->run(options, error);
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;

    /* The help has characters beyond ASCII; messages are not translated. */
    setlocale(LC_CTYPE, "");
    g_set_prgname("berth-runtime");
    runtime_title_init(argc, argv);
    int status = run(argc, argv, &error);
    if (error)
        runtime_log(RUNTIME_LOG_ERROR, "%s", error->message);
    return status;
}
