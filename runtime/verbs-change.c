/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * kill, delete, pause, resume and checkpoint. Engines recognize by the text of an error that a
 * container is gone: "does not exist" and "container not running" are runc's words.
 */

#include "base/signals.h"
#include "monitor-socket.h"
#include "monitored.h"
#include "verbs.h"

#include <signal.h>
#include <stdlib.h>

/* Reads the record that the first argument names, and opens the connection. */
static bool change_begin(RuntimeOptions *options, RuntimeRecord **record, sd_bus **bus,
                         GError **error) {
    *record = runtime_record_read(options->root, options->arguments[0], error);
    *bus = *record ? runtime_bus_open(error) : NULL;
    return *bus != NULL;
}

static bool kill_running(sd_bus *bus, const RuntimeRecord *record, int number, bool all,
                         GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply = runtime_call(bus, &local, "Kill", "sia{sv}", record->berth_id,
                                                   number, 1, "All", "b", (int)all);

    if (reply)
        return true;
    /* It has exited in the meantime. */
    if (g_error_matches(local, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION) ||
        g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "container not running");
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

int runtime_verb_kill(RuntimeOptions *options, GError **error) {
    const char *name = options->arguments[1] ? options->arguments[1] : "TERM";
    int number = berth_signal_parse(name);
    g_autoptr(RuntimeRecord) record = NULL;
    g_autoptr(sd_bus) bus = NULL;
    g_auto(RuntimeStatus) status = {.scope = NULL};

    if (number == 0) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "unknown signal \"%.100s\"", name);
        return EXIT_FAILURE;
    }
    if (!change_begin(options, &record, &bus, error) ||
        !runtime_status_read(bus, record, &status, error))
        return EXIT_FAILURE;
    switch (status.state) {
    case RUNTIME_STATE_CREATED:
        return runtime_monitor_socket_ask(record, RUNTIME_MONITOR_KILL, number, error)
                   ? EXIT_SUCCESS
                   : EXIT_FAILURE;
    case RUNTIME_STATE_STOPPED:
        /* Killing all of no processes is not an error. */
        if (options->all)
            return EXIT_SUCCESS;
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "container not running");
        return EXIT_FAILURE;
    case RUNTIME_STATE_RUNNING:
    case RUNTIME_STATE_PAUSED:
        break;
    }
    return kill_running(bus, record, number, options->all, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A container that the service does not know has been deleted already; the record may have outlived
 * it. */
static bool delete_at_service(sd_bus *bus, const RuntimeRecord *record, bool force,
                              GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply = runtime_call_until_answered(
        bus, &local, "Delete", "sa{sv}", record->berth_id, 1, "Force", "b", (int)force);

    if (reply || g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* The record is removed last: if the service refuses, the container can still be found by its id.
 */
static bool delete_container(sd_bus *bus, const RuntimeRecord *record, bool force, GError **error) {
    g_auto(RuntimeStatus) status = {.scope = NULL};

    if (!force) {
        if (!runtime_status_read(bus, record, &status, error))
            return false;
        if (status.state == RUNTIME_STATE_RUNNING || status.state == RUNTIME_STATE_PAUSED)
            return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                                   "cannot delete container %s that is not stopped: %s", record->id,
                                   runtime_state_get_name(status.state));
    }
    if (!delete_at_service(bus, record, force, error))
        return false;
    runtime_record_remove(record);
    return true;
}

/* With --force there may be nothing, or the directory of a creation that was killed. */
static bool delete_one(RuntimeOptions *options, sd_bus *bus, const char *id, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(RuntimeRecord) record = runtime_record_read(options->root, id, &local);

    if (!record && options->force && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND)) {
        g_clear_error(&local);
        record = runtime_record_new(options->root, id, &local);
    }
    if (!record) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    return delete_container(bus, record, options->force, error);
}

/* The first failure ends it; what was deleted before stays deleted. */
static bool delete_matching(RuntimeOptions *options, sd_bus *bus, const char *pattern,
                            GError **error) {
    g_auto(GStrv) ids = runtime_record_list(options->root, error);
    g_autoptr(GRegex) regex = ids ? g_regex_new(pattern, 0, G_REGEX_MATCH_ANCHORED, error) : NULL;
    bool good = regex != NULL;

    for (char **id = ids; good && *id; id++)
        good = !g_regex_match(regex, *id, 0, NULL) || delete_one(options, bus, *id, error);
    return good;
}

int runtime_verb_delete(RuntimeOptions *options, GError **error) {
    const char *id = options->arguments[0];
    g_autoptr(sd_bus) bus = runtime_bus_open(error);

    if (!bus)
        return EXIT_FAILURE;
    bool good = options->regex ? delete_matching(options, bus, id, error)
                               : delete_one(options, bus, id, error);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The service checks the state and words the error: engines do not parse the errors of these verbs.
 */
static int change_plainly(RuntimeOptions *options, const char *member, GError **error) {
    g_autoptr(RuntimeRecord) record = NULL;
    g_autoptr(sd_bus) bus = NULL;

    if (!change_begin(options, &record, &bus, error))
        return EXIT_FAILURE;
    g_autoptr(sd_bus_message) reply =
        runtime_call(bus, error, member, "sa{sv}", record->berth_id, 0);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

int runtime_verb_pause(RuntimeOptions *options, GError **error) {
    return change_plainly(options, "Pause", error);
}

int runtime_verb_resume(RuntimeOptions *options, GError **error) {
    return change_plainly(options, "Resume", error);
}

int runtime_verb_checkpoint(RuntimeOptions *options, GError **error) {
    g_autoptr(RuntimeRecord) record = NULL;
    g_autoptr(sd_bus) bus = NULL;

    if (!change_begin(options, &record, &bus, error))
        return EXIT_FAILURE;
    g_autoptr(sd_bus_message) reply =
        runtime_call(bus, error, "Checkpoint", "sa{sv}", record->berth_id, 1, "LeaveRunning", "b",
                     (int)options->leave_running);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}
