/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb exec: a process in a container, from the command line or a file. What the service has no
 * option for (additional groups, an AppArmor profile) needs a process object of the specification,
 * which is then derived from the container's own.
 */

#include "base/document-members.h"
#include "base/fd.h"
#include "run-job.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAILURE = 255 };

/* The container's process, as the service has it. NULL with error. */
static json_object *exec_copy_process(sd_bus *bus, const RuntimeRecord *record, GError **error) {
    g_autoptr(sd_bus_message) reply =
        runtime_call(bus, error, "Inspect", "sa{sv}", record->berth_id, 0);
    json_object *config, *process;
    const char *text;
    int r;

    if (!reply)
        return NULL;
    if ((r = sd_bus_message_read(reply, "s", &text)) < 0) {
        runtime_call_malformed(r, error);
        return NULL;
    }
    g_autoptr(json_object) answer = berth_document_parse(text, strlen(text), error);
    if (!answer || !berth_document_get_object(answer, "config", &config, error) ||
        !berth_document_get_object(config, "process", &process, error))
        return NULL;
    return berth_document_copy(process);
}

static bool exec_parse_id(const char *text, gint64 *id, GError **error) {
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32 - 1, &number, NULL))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "invalid id \"%.100s\"", text);
    *id = (gint64)number;
    return true;
}

/* "UID[:GID]", and the additional groups. */
static bool exec_set_user(json_object *process, const RuntimeOptions *options, GError **error) {
    g_auto(GStrv) parts = g_strsplit(options->user ? options->user : "0:0", ":", 2);
    gint64 uid, gid = 0, group = 0;

    if (!exec_parse_id(parts[0] ? parts[0] : "", &uid, error) ||
        (parts[0] && parts[1] && !exec_parse_id(parts[1], &gid, error)))
        return false;
    g_autoptr(json_object) groups = json_object_new_array();
    for (char **text = options->additional_gids; *text; text++) {
        if (!exec_parse_id(*text, &group, error))
            return false;
        json_object_array_add(groups, json_object_new_int64(group));
    }
    json_object *user = berth_document_add_object(process, "user");
    berth_document_add_int(user, "uid", uid);
    berth_document_add_int(user, "gid", gid);
    json_object_object_add(user, "additionalGids", g_steal_pointer(&groups));
    return true;
}

/* NULL without error if the service's options suffice. */
static char *exec_make_spec(const RuntimeOptions *options, const RuntimeRecord *record,
                            GError **error) {
    if (!options->additional_gids && !options->apparmor)
        return NULL;
    g_autoptr(sd_bus) bus = runtime_bus_open(error);
    g_autoptr(json_object) process = bus ? exec_copy_process(bus, record, error) : NULL;
    if (!process || (options->additional_gids && !exec_set_user(process, options, error)))
        return NULL;
    if (options->apparmor)
        berth_document_add_string(process, "apparmorProfile", options->apparmor);
    berth_document_add_bool(process, "terminal", options->tty);
    return berth_document_print(process, false);
}

/* *text is the process object as the engine wrote it, which the service reads itself. Only
 * "terminal" is needed here. */
static bool exec_read_process(RuntimeJob *job, const char *file, char **text, GError **error) {
    g_autoptr(json_object) process = runtime_read_json(file, text, error);

    return process && berth_document_get_bool(process, "terminal", &job->terminal, error);
}

static bool exec_check(const RuntimeOptions *options, const RuntimeJob *job, GError **error) {
    if (!options->process && !job->command[0])
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "exec: an argument is missing: COMMAND");
    return runtime_job_check_console(job, error);
}

/* Failures of exec itself return 255, as in runc: engines must not take them for an exit status of
 * the command. */
int runtime_verb_exec(RuntimeOptions *options, GError **error) {
    g_autoptr(RuntimeRecord) record =
        runtime_record_read(options->root, options->arguments[0], error);
    g_autoptr(GError) local = NULL;
    g_autofree char *text = NULL;

    if (!record)
        return FAILURE;
    /* Unique, even where pids are reused quickly. */
    g_autofree char *process = g_strdup_printf("exec-%d-%08x", (int)getpid(), g_random_int());
    /* "--" may also precede the command. */
    char **command = options->arguments + 1;
    if (command[0] && g_str_equal(command[0], "--"))
        command++;
    RuntimeJob job = {
        .kind = RUNTIME_JOB_EXEC,
        .record = record,
        .process = process,
        .command = command,
        .environment = options->env,
        .capabilities = options->cap,
        .working_directory = options->cwd,
        .user = options->additional_gids ? NULL : options->user,
        .no_new_privileges = options->no_new_privs,
        .terminal = options->tty,
        .detach = options->detach,
        .console_socket = options->console_socket,
        .pid_file = options->pid_file,
        .preserved = options->preserved,
    };
    if (options->process) {
        if (!exec_read_process(&job, options->process, &text, error))
            return FAILURE;
    } else {
        text = exec_make_spec(options, record, &local);
        if (local) {
            g_propagate_error(error, g_steal_pointer(&local));
            return FAILURE;
        }
    }
    job.spec = text;
    return exec_check(options, &job, error) ? runtime_run_job(&job, error) : FAILURE;
}
