/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs about running containers and their processes: attach, checkpoint, top, stats and others;
 * exec and update have their own files. attach exits with the status of the process, or with
 * DIST_EXIT_BERTH if that is unknown; foreground.c waits for it.
 */

#include "client/verbs.h"

#include "client/bus.h"
#include "client/container-choice.h"
#include "client/containers.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/foreground.h"
#include "client/listing.h"
#include "client/stats.h"
#include "client/table.h"
#include "client/terminal.h"
#include "client/verbs-exec.h"
#include "client/verbs-top.h"
#include "client/verbs-update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char *keys;
    char *process;
} attach_given;

static const DistOption attach_options[] = {
    {"detach-keys", 0, DIST_OPTION_TEXT, &attach_given.keys,
     N_("Set the keys that detach from the terminal; ctrl-p,ctrl-q if not given"), N_("KEYS")},
    {"process", 0, DIST_OPTION_TEXT, &attach_given.process,
     N_("Select a process that exec started"), "ID"},
    DIST_OPTION_END,
};

static int verb_attach(char **argv, GError **error) {
    if (attach_given.keys && !dist_terminal_check_keys(attach_given.keys, error))
        return DIST_EXIT_BERTH;
    /* A process of exec can only be attached to through its terminal. A container without a
     * terminal is followed in the journal, which is read on this machine. */
    bool terminal = attach_given.process != NULL;
    if (!attach_given.process && !dist_container_find_terminal(argv[1], &terminal, error))
        return DIST_EXIT_BERTH;
    if (!terminal && !dist_bus_is_here()) {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        _("%s has no terminal, and its journal is on another machine"), argv[1]);
        return DIST_EXIT_BERTH;
    }
    const DistForeground foreground = {
        .id = argv[1],
        .process = attach_given.process ? attach_given.process : "",
        .view = terminal ? DIST_SHOWS_TERMINAL : DIST_SHOWS_JOURNAL,
        .detach_keys = attach_given.keys ? attach_given.keys : DIST_DETACH_KEYS,
    };
    return dist_foreground_run(&foreground, error);
}

static struct { gboolean leave; } checkpoint_given;

static const DistOption checkpoint_options[] = {
    {"leave-running", 'R', DIST_OPTION_FLAG, &checkpoint_given.leave, N_("Leave it running"), NULL},
    DIST_OPTION_END,
};

static int verb_checkpoint(char **argv, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Checkpoint", "sa{sv}", argv[1], 1, "LeaveRunning", "b",
                  (int)checkpoint_given.leave);
    if (!reply)
        return EXIT_FAILURE;
    puts(argv[1]);
    return EXIT_SUCCESS;
}

static bool is_not_paused(const DistContainer *container) {
    return container->state == DIST_CONTAINER_RUNNING;
}

static bool is_paused(const DistContainer *container) {
    return container->state == DIST_CONTAINER_PAUSED;
}

static int verb_pause(char **argv, GError **error) {
    g_auto(GStrv) ids = dist_choice_list(argv[0], argv + 1, is_not_paused, error);

    return ids ? dist_call_each(DIST_CONTAINERS, "Pause", ids) : EXIT_FAILURE;
}

static int verb_resume(char **argv, GError **error) {
    g_auto(GStrv) ids = dist_choice_list(argv[0], argv + 1, is_paused, error);

    return ids ? dist_call_each(DIST_CONTAINERS, "Resume", ids) : EXIT_FAILURE;
}

/* As docker does for a single port: only the host's addresses. */
static bool print_hosts_of_port(char *const *ports, const char *id, const char *port,
                                GError **error) {
    g_autofree char *wanted = g_strconcat(port, strchr(port, '/') ? "" : "/tcp", NULL);
    bool found = false;

    for (; ports && *ports; ports++) {
        g_autofree char *container = NULL, *host = NULL;
        dist_container_split_port(*ports, &container, &host);
        if (!g_str_equal(container, wanted))
            continue;
        puts(host);
        found = true;
    }
    return found || berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                                    _("container \"%s\" does not publish the port %s"), id, wanted);
}

static int verb_port(char **argv, GError **error) {
    DistColumn columns[] = {
        {"container", _("CONTAINER"), DIST_CELL_TEXT},
        {"host", _("HOST"), DIST_CELL_TEXT},
        {NULL, NULL, DIST_CELL_TEXT},
    };
    g_auto(GStrv) ports = NULL;
    const DistField fields[] = {{"Ports", "as", &ports}, {NULL, NULL, NULL}};

    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Get", "sa{sv}", argv[1], 0);
    if (!reply)
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    int r = dist_dictionary_read(reply, fields);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    if (argv[2])
        return print_hosts_of_port(ports, argv[1], argv[2], error) ? EXIT_SUCCESS : EXIT_FAILURE;
    for (char **port = ports; port && *port; port++) {
        g_autofree char *container = NULL, *host = NULL;
        dist_container_split_port(*port, &container, &host);
        dist_table_add(table, container, host);
    }
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int verb_rename(char **argv, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Rename", "ssa{sv}", argv[1], argv[2], 0);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

const DistVerb dist_process_verbs[] = {
    {.name = "exec",
     .arguments = N_("ID COMMAND…"),
     .summary = N_("Run another command in a running container"),
     .options = dist_exec_options,
     .run = dist_verb_exec,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_THERE | DIST_VERB_STRICT | DIST_VERB_RUNS,
     .example = "dist exec -it web sh"},
    {.name = "attach",
     .arguments = N_("ID"),
     .summary = N_("Attach to the terminal of a container"),
     .options = attach_options,
     .run = verb_attach,
     .min = 1,
     .max = 1,
     .flags = DIST_VERB_THERE | DIST_VERB_RUNS,
     .details = N_("Shows what a container without a terminal writes to the journal."),
     .example = "dist attach web"},
    {.name = "top",
     .arguments = N_("ID [COLUMN…]"),
     .summary = N_("List the processes of a container"),
     .options = dist_top_options,
     .run = dist_verb_top,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .details =
         N_("Columns are words of ps(1), such as pid, user, etime and args; pid and user are "
            "those in the container, hpid and huser those of the host."),
     .example = "dist top web pid user pcpu etime args"},
    {.name = "stats",
     .arguments = N_("[ID…]"),
     .summary = N_("Show the resource usage of containers, by default of all running ones"),
     .options = dist_stats_options,
     .run = dist_verb_stats,
     .max = DIST_ANY_NUMBER,
     .details = N_("On a terminal, the table is updated until Ctrl-C; CPU is relative to one "
                   "processor."),
     .example = "dist stats --no-stream"},
    {.name = "pause",
     .arguments = N_("ID…"),
     .summary = N_("Freeze the processes of containers"),
     .options = dist_choice_options,
     .run = verb_pause,
     .max = DIST_ANY_NUMBER},
    {.name = "resume",
     .arguments = N_("ID…"),
     .summary = N_("Resume paused containers"),
     .options = dist_choice_options,
     .run = verb_resume,
     .max = DIST_ANY_NUMBER},
    {.name = "checkpoint",
     .arguments = N_("ID"),
     .summary = N_("Write a running container to disk and stop it"),
     .options = checkpoint_options,
     .run = verb_checkpoint,
     .min = 1,
     .max = 1,
     .details = N_("\"dist restore\" continues it.")},
    {.name = "update",
     .arguments = N_("ID… [PROPERTY=VALUE…]"),
     .summary = N_("Change the resource limits of containers"),
     .options = dist_update_options,
     .run = dist_verb_update,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .details = N_("Options have the meaning that they have for run. Properties have the names of "
                   "systemd.resource-control(5)."),
     .example = "dist update --memory=512m --cpus=0.5 web"},
    {.name = "port",
     .arguments = N_("ID [PORT[/PROTOCOL]]"),
     .summary = N_("List the published ports of a container"),
     .options = dist_table_options,
     .run = verb_port,
     .min = 1,
     .max = 2},
    {.name = "rename",
     .arguments = N_("ID NEW"),
     .summary = N_("Rename a container that does not run"),
     .run = verb_rename,
     .min = 2,
     .max = 2},
    {.name = NULL},
};
