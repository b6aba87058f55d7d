/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * state, list and ps. The pid shown for a container is the one in the file of --pid-file: its
 * monitor's if it is detached, otherwise the first process's. ps shows the container's processes
 * themselves.
 */

#include "base/document-members.h"
#include "monitored.h"
#include "verbs.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OCI_VERSION "1.0.2"

typedef enum { FORMAT_TABLE, FORMAT_JSON } Format;

static bool parse_format(const char *text, Format *format, GError **error) {
    if (!text || g_str_equal(text, "table"))
        *format = FORMAT_TABLE;
    else if (g_str_equal(text, "json"))
        *format = FORMAT_JSON;
    else
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "invalid format option");
    return true;
}

/* The name of a record's owner, or its uid. The caller frees it. */
static char *find_owner(const RuntimeRecord *record) {
    struct stat st;
    struct passwd *entry;

    if (stat(record->directory, &st) < 0)
        return g_strdup("");
    entry = getpwuid(st.st_uid);
    return entry ? g_strdup(entry->pw_name) : g_strdup_printf("%u", st.st_uid);
}

/* 0 for a container that has stopped: its pid may have been reused. */
static pid_t find_pid(const RuntimeRecord *record, const RuntimeStatus *status) {
    if (status->state == RUNTIME_STATE_STOPPED)
        return 0;
    return record->monitored ? record->pid : status->pid;
}

/* The specification's members (runtime.md, State), plus those of runc and crun, in runc's order. */
static void state_add_members(json_object *state, const RuntimeRecord *record,
                              const RuntimeStatus *status) {
    g_autofree char *owner = find_owner(record);

    berth_document_add_string_or_empty(state, "ociVersion", OCI_VERSION);
    berth_document_add_string_or_empty(state, "id", record->id);
    berth_document_add_int(state, "pid", find_pid(record, status));
    berth_document_add_string_or_empty(state, "status", runtime_state_get_name(status->state));
    berth_document_add_string_or_empty(state, "bundle", record->bundle);
    berth_document_add_string_or_empty(state, "rootfs", record->rootfs);
    berth_document_add_string_or_empty(state, "created", record->created);
    if (status->scope)
        berth_document_add_string_or_empty(state, "systemd-scope", status->scope);
    if (record->annotations && record->annotations[0])
        berth_document_add_map(state, "annotations", record->annotations);
    berth_document_add_string_or_empty(state, "owner", owner);
}

static void print_json(json_object *value, bool pretty) {
    g_autofree char *text = berth_document_print(value, pretty);

    puts(text);
}

int runtime_verb_state(RuntimeOptions *options, GError **error) {
    g_autoptr(RuntimeRecord) record =
        runtime_record_read(options->root, options->arguments[0], error);
    g_autoptr(sd_bus) bus = record ? runtime_bus_open(error) : NULL;
    g_auto(RuntimeStatus) status = {.scope = NULL};

    if (!bus || !runtime_status_read(bus, record, &status, error))
        return EXIT_FAILURE;
    g_autoptr(json_object) state = json_object_new_object();
    state_add_members(state, record, &status);
    print_json(state, true);
    return EXIT_SUCCESS;
}

static void print_row(const RuntimeRecord *record, const RuntimeStatus *status) {
    g_autofree char *owner = find_owner(record);

    printf("%-16s %-8d %-10s %s %s %s\n", record->id, (int)find_pid(record, status),
           runtime_state_get_name(status->state), record->bundle, record->created, owner);
}

/* A record that cannot be read belongs to a container that is being created or removed. */
static bool list_containers(RuntimeOptions *options, Format format, json_object *states,
                            GError **error) {
    g_auto(GStrv) ids = runtime_record_list(options->root, error);
    g_autoptr(sd_bus) bus = ids && ids[0] && !options->quiet ? runtime_bus_open(error) : NULL;

    if (!ids || (ids[0] && !options->quiet && !bus))
        return false;
    for (char **id = ids; *id; id++) {
        g_autoptr(RuntimeRecord) record = runtime_record_read(options->root, *id, NULL);
        g_auto(RuntimeStatus) status = {.scope = NULL};
        if (!record)
            continue;
        if (options->quiet) {
            puts(record->id);
            continue;
        }
        if (!runtime_status_read(bus, record, &status, error))
            return false;
        if (format == FORMAT_JSON)
            state_add_members(berth_document_append_object(states), record, &status);
        else
            print_row(record, &status);
    }
    return true;
}

int runtime_verb_list(RuntimeOptions *options, GError **error) {
    g_autoptr(json_object) states = json_object_new_array();
    Format format;

    if (!parse_format(options->format_name, &format, error))
        return EXIT_FAILURE;
    if (format == FORMAT_TABLE && !options->quiet)
        printf("%-16s %-8s %-10s %s %s %s\n", "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER");
    if (!list_containers(options, format, states, error))
        return EXIT_FAILURE;
    if (format == FORMAT_JSON && !options->quiet)
        print_json(states, false);
    return EXIT_SUCCESS;
}

/* The pids of all processes of a container. NULL with error. */
static GPtrArray *read_cgroup_pids(sd_bus *bus, const RuntimeRecord *record, GError **error) {
    g_autoptr(sd_bus_message) reply =
        runtime_call(bus, error, "Processes", "sa{sv}", record->berth_id, 0);
    g_autoptr(GPtrArray) pids = g_ptr_array_new_with_free_func(g_free);
    const char *pid;
    int r;

    if (!reply)
        return NULL;
    r = sd_bus_message_enter_container(reply, 'a', "(sa{sv})");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sa{sv}")) > 0)
        if ((r = sd_bus_message_read(reply, "s", &pid)) >= 0 &&
            (r = sd_bus_message_skip(reply, "a{sv}")) >= 0) {
            g_ptr_array_add(pids, g_strdup(pid));
            r = sd_bus_message_exit_container(reply);
        }
    if (r < 0) {
        runtime_call_malformed(r, error);
        return NULL;
    }
    g_ptr_array_add(pids, NULL);
    return g_steal_pointer(&pids);
}

/* Runs ps(1) with the caller's options, or -f if there are none. */
static int print_process_table(char **pids, char **arguments, GError **error) {
    g_autofree char *list = g_strjoinv(",", pids);
    g_autoptr(GPtrArray) command = g_ptr_array_new();

    if (arguments[0] && g_str_equal(arguments[0], "--"))
        arguments++;
    g_ptr_array_add(command, (gpointer) "ps");
    if (!arguments[0])
        g_ptr_array_add(command, (gpointer) "-f");
    for (; *arguments; arguments++)
        g_ptr_array_add(command, *arguments);
    g_ptr_array_add(command, (gpointer) "-p");
    g_ptr_array_add(command, list);
    g_ptr_array_add(command, NULL);
    fflush(stdout);
    execvp("ps", (char **)command->pdata);
    berth_error_set_errno(error, errno, "execute ps");
    return EXIT_FAILURE;
}

int runtime_verb_ps(RuntimeOptions *options, GError **error) {
    Format format;

    if (!parse_format(options->format_name, &format, error))
        return EXIT_FAILURE;
    g_autoptr(RuntimeRecord) record =
        runtime_record_read(options->root, options->arguments[0], error);
    g_autoptr(sd_bus) bus = record ? runtime_bus_open(error) : NULL;
    g_autoptr(GPtrArray) pids = bus ? read_cgroup_pids(bus, record, error) : NULL;
    if (!pids)
        return EXIT_FAILURE;
    if (format == FORMAT_TABLE)
        return print_process_table((char **)pids->pdata, options->arguments + 1, error);
    g_autofree char *list = g_strjoinv(",", (char **)pids->pdata);
    printf("[%s]\n", list);
    return EXIT_SUCCESS;
}
