/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs about existing containers: their table, and kill, stop and rm. Creating and starting
 * containers is in verbs-run.c and verbs-start.c.
 */

#include "client/verbs.h"

#include "base/signals.h"
#include "client/bus.h"
#include "client/container-choice.h"
#include "client/each.h"
#include "client/table.h"
#include "client/verbs-events.h"
#include "client/verbs-logs.h"
#include "client/verbs-ps.h"
#include "client/verbs-wait.h"
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    int signal, all;
    const char *process;
} KillOptions;

static bool kill_one(const char *id, const void *userdata, GError **error) {
    const KillOptions *request = userdata;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Kill", "sia{sv}", id, request->signal, 2, "All", "b",
                  request->all, "Process", "s", request->process ? request->process : "");

    if (reply)
        puts(id);
    return reply != NULL;
}

static struct {
    char *name;
    gboolean all;
    char *process;
} kill_given;

static const DistOption kill_options[] = {
    {"signal", 's', DIST_OPTION_TEXT, &kill_given.name, N_("Signal; SIGTERM if not given"),
     N_("SIGNAL")},
    {"all", 'a', DIST_OPTION_FLAG, &kill_given.all, N_("Signal every process of the container"),
     NULL},
    {"process", 0, DIST_OPTION_TEXT, &kill_given.process, N_("Select a process that exec started"),
     "ID"},
    DIST_OPTION_END,
};

static int verb_kill(char **argv, GError **error) {
    int signal = berth_signal_parse(kill_given.name ? kill_given.name : "TERM");
    if (signal == 0) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("unknown signal \"%s\""),
                        kill_given.name);
        return EXIT_FAILURE;
    }
    const KillOptions request = {signal, kill_given.all, kill_given.process};
    return dist_for_each(argv + 1, kill_one, &request);
}

/* The caller owns the call. UINT64_MAX leaves the time-out to the container's own setting. */
static sd_bus_message *make_stop(const char *id, const void *timeout, GError **error) {
    g_autoptr(sd_bus_message) call = dist_new_call(error, DIST_CONTAINERS, "Stop");
    int r = call ? sd_bus_message_append(call, "sa{sv}", id, 1, "TimeoutUSec", "t",
                                         *(const uint64_t *)timeout)
                 : 0;

    if (r < 0)
        return dist_bad_reply(r, error), NULL;
    return g_steal_pointer(&call);
}

static struct {
    gint64 seconds;
    gboolean ignore;
} stop_given = {.seconds = -1};

static const DistOption stop_options[] = {
    DIST_OPTION_INCLUDE(dist_choice_options),
    {"time", 't', DIST_OPTION_NUMBER, &stop_given.seconds,
     N_("Set the time to wait before SIGKILL"), N_("SECONDS")},
    {"ignore", 'i', DIST_OPTION_FLAG, &stop_given.ignore, N_("Do not fail if it does not exist"),
     NULL},
    DIST_OPTION_END,
};

static bool stop_by_id(const char *id, const void *userdata, GError **error) {
    sd_bus_message *call = make_stop(id, userdata, error);
    g_autoptr(sd_bus_message) reply = call ? dist_send(call, error) : NULL;

    if (reply)
        puts(id);
    return dist_reply_or_ignored(reply, true, BERTH_ERROR_NOT_FOUND, error);
}

/* Without --ignore, root's calls are sent together (dist_ask_each()), so that containers stop at
 * the same time. */
static int verb_stop(char **argv, GError **error) {
    g_auto(GStrv) ids = dist_choice_list(argv[0], argv + 1, dist_container_is_running, error);
    uint64_t timeout =
        stop_given.seconds < 0 ? UINT64_MAX : (uint64_t)stop_given.seconds * G_USEC_PER_SEC;

    if (!ids)
        return EXIT_FAILURE;
    return stop_given.ignore ? dist_for_each(ids, stop_by_id, &timeout)
                             : dist_ask_each(ids, make_stop, &timeout);
}

static struct {
    gint64 seconds;
    gboolean force, ignore;
} rm_given = {.seconds = -1};

static const DistOption rm_options[] = {
    DIST_OPTION_INCLUDE(dist_choice_options),
    {"force", 'f', DIST_OPTION_FLAG, &rm_given.force,
     N_("Kill it first if it is running, and do not fail if it does not exist"), NULL},
    {"time", 't', DIST_OPTION_NUMBER, &rm_given.seconds,
     N_("With --force: time to wait before SIGKILL"), N_("SECONDS")},
    {"ignore", 'i', DIST_OPTION_FLAG, &rm_given.ignore, N_("Do not fail if it does not exist"),
     NULL},
    {"volumes", 'v', DIST_OPTION_FLAG, NULL,
     N_("Without effect: anonymous volumes are always deleted with the container"), NULL},
    DIST_OPTION_END,
};

/* With --time: false only if the container keeps running. One that is not running need not be
 * stopped. */
static bool stop_before_rm(const char *id, GError **error) {
    uint64_t timeout = (uint64_t)rm_given.seconds * G_USEC_PER_SEC;
    sd_bus_message *call = make_stop(id, &timeout, error);
    g_autoptr(sd_bus_message) reply = call ? dist_send(call, error) : NULL;

    if (!reply && g_error_matches(*error, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION)) {
        g_clear_error(error);
        return true;
    }
    return reply != NULL;
}

static bool rm_by_id(const char *id, const void *userdata, GError **error) {
    if (rm_given.seconds >= 0 && !stop_before_rm(id, error))
        return dist_reply_or_ignored(NULL, rm_given.force, BERTH_ERROR_NOT_FOUND, error);
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTAINERS, "Delete", "sa{sv}", id, 1, "Force", "b", rm_given.force);

    (void)userdata;
    if (reply)
        puts(id);
    return dist_reply_or_ignored(reply, rm_given.force || rm_given.ignore, BERTH_ERROR_NOT_FOUND,
                                 error);
}

static int verb_rm(char **argv, GError **error) {
    if (rm_given.seconds >= 0 && !rm_given.force) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s", _("--time needs --force"));
        return EXIT_FAILURE;
    }
    g_auto(GStrv) ids = dist_choice_list(argv[0], argv + 1, NULL, error);
    return ids ? dist_for_each(ids, rm_by_id, NULL) : EXIT_FAILURE;
}

const DistVerb dist_container_verbs[] = {
    {.name = "ps",
     .arguments = "",
     .summary = N_("List containers"),
     .options = dist_ps_options,
     .run = dist_verb_ps,
     .details = N_("Filters: id, name, label, label!, status, ancestor, exited, health, network, "
                   "volume, pod, publish, expose, before, since, until."),
     .example = "dist ps -a --filter status=exited"},
    {.name = "info",
     .arguments = N_("[ID]"),
     .summary = N_("Show the status of a container, or of the service"),
     .options = dist_inspect_table_options,
     .run = dist_verb_info,
     .max = 1,
     .example = "dist info web"},
    {.name = "kill",
     .arguments = N_("ID…"),
     .summary = N_("Send a signal to containers"),
     .options = kill_options,
     .run = verb_kill,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist kill -s HUP web"},
    {.name = "stop",
     .arguments = N_("ID…"),
     .summary = N_("Stop containers"),
     .options = stop_options,
     .run = verb_stop,
     .max = DIST_ANY_NUMBER,
     .example = "dist stop -t 30 web"},
    {.name = "wait",
     .arguments = N_("ID…"),
     .summary = N_("Wait for containers, and print their exit statuses"),
     .options = dist_wait_options,
     .run = dist_verb_wait,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_RUNS,
     .details = N_("With one container and no condition, dist exits with the same status. "
                   "If the condition is not an exit, -1 is printed."),
     .example = "dist wait --condition=healthy db"},
    {.name = "rm",
     .arguments = N_("ID…"),
     .summary = N_("Delete containers"),
     .options = rm_options,
     .run = verb_rm,
     .max = DIST_ANY_NUMBER,
     .example = "dist rm -f web"},
    {.name = "logs",
     .arguments = N_("ID…"),
     .summary = N_("Show what containers wrote to the journal"),
     .options = dist_logs_options,
     .run = dist_verb_logs,
     .flags = DIST_VERB_THERE,
     .max = DIST_ANY_NUMBER,
     .example = "dist logs -f web"},
    {.name = "events",
     .arguments = "",
     .summary = N_("Show events of containers"),
     .options = dist_events_options,
     .run = dist_verb_events,
     .details = N_("Filters: container, event, image, label, pod, type, volume."),
     .example = "dist events --since=10m --filter event=exit"},
    {.name = NULL},
};
