/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asks the service for the states of containers, and finds the container that a monitor's pid
 * stands for. Nothing is cached: each run of berth-runtime asks again.
 */

#include "monitored.h"

#include <stdio.h>
#include <string.h>

/* In the order of RuntimeState; the names are those of runtime.md, State, and runc's "paused". */
static const char *const state_names[] = {"stopped", "created", "running", "paused"};

const char *runtime_state_get_name(RuntimeState state) {
    return state_names[state];
}

void runtime_status_clear(RuntimeStatus *status) {
    g_clear_pointer(&status->scope, g_free);
}

static RuntimeState parse_state(const char *name) {
    for (guint i = 0; i < G_N_ELEMENTS(state_names); i++)
        if (g_str_equal(state_names[i], name))
            return (RuntimeState)i;
    /* A state of a newer service. */
    return RUNTIME_STATE_RUNNING;
}

static int read_property(sd_bus_message *reply, const char *key, RuntimeStatus *status) {
    const char *text;
    uint32_t pid;
    int r;

    if (g_str_equal(key, "State")) {
        if ((r = sd_bus_message_read(reply, "v", "s", &text)) >= 0)
            status->state = parse_state(text);
    } else if (g_str_equal(key, "Scope")) {
        if ((r = sd_bus_message_read(reply, "v", "s", &text)) >= 0) {
            g_free(status->scope);
            status->scope = g_strdup(text);
        }
    } else if (g_str_equal(key, "Pid")) {
        if ((r = sd_bus_message_read(reply, "v", "u", &pid)) >= 0)
            status->pid = (pid_t)pid;
    } else
        r = sd_bus_message_skip(reply, "v");
    return r;
}

static int read_properties(sd_bus_message *reply, RuntimeStatus *status) {
    const char *key;
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0)
        if ((r = sd_bus_message_read(reply, "s", &key)) >= 0 &&
            (r = read_property(reply, key, status)) >= 0)
            r = sd_bus_message_exit_container(reply);
    return r;
}

/* A container that the service does not know has exited and been deleted there. */
bool runtime_status_read(sd_bus *bus, const RuntimeRecord *record, RuntimeStatus *status,
                         GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply =
        runtime_call_until_answered(bus, &local, "Get", "sa{sv}", record->berth_id, 0);

    *status = (RuntimeStatus){.state = RUNTIME_STATE_STOPPED};
    if (!reply && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        return true;
    if (!reply) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    int r = read_properties(reply, status);
    return r >= 0 || runtime_call_malformed(r, error);
}

/* The record of the container whose monitor this process is; NULL if there is none. */
static RuntimeRecord *find_monitor(const char *root, pid_t pid) {
    g_auto(GStrv) ids = runtime_record_list(root, NULL);

    for (char **id = ids; id && *id; id++) {
        g_autoptr(RuntimeRecord) record = runtime_record_read(root, *id, NULL);
        if (record && record->monitored && record->pid == pid && runtime_record_is_alive(record))
            return g_steal_pointer(&record);
    }
    return NULL;
}

/* Engines join namespaces through /proc/PID/ns/NAME with the pid that they were given, which is the
 * monitor's. Such a path is replaced by that of the container's first process; *real stays NULL for
 * all other paths. */
bool runtime_monitored_find_path(const char *root, const char *path, char **real, GError **error) {
    int pid, end = 0;

    *real = NULL;
    if (sscanf(path, "/proc/%d/ns/%n", &pid, &end) != 1 || end == 0)
        return true;
    g_autoptr(RuntimeRecord) record = find_monitor(root, (pid_t)pid);
    if (!record)
        return true;
    g_autoptr(sd_bus) bus = runtime_bus_open(error);
    g_auto(RuntimeStatus) status = {.scope = NULL};
    if (!bus || !runtime_status_read(bus, record, &status, error))
        return false;
    if (status.pid == 0)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "cannot join %s: container %s has no process yet", path, record->id);
    *real = g_strdup_printf("/proc/%d/ns/%s", (int)status.pid, path + end);
    return true;
}
