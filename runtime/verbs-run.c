/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * create, start, run and restore. The record's directory is made first: it decides between two
 * processes that use the same id.
 */

#include "base/fd.h"
#include "monitor-socket.h"
#include "monitored.h"
#include "run-job.h"
#include "verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void take_bundle(RuntimeRecord *record, const RuntimeBundle *bundle, const char *directory) {
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();

    record->bundle = g_strdup(directory);
    record->rootfs = g_strdup(bundle->rootfs);
    record->created = g_date_time_format_iso8601(now);
    record->annotations = g_strdupv(bundle->annotations);
}

/* Everything that can be refused is checked before the record is made. */
static int make_container(RuntimeOptions *options, RuntimeJob *job, GError **error) {
    g_autofree char *directory =
        g_canonicalize_filename(options->bundle ? options->bundle : ".", NULL);
    g_autoptr(RuntimeRecord) record =
        runtime_record_new(options->root, options->arguments[0], error);
    g_autoptr(RuntimeBundle) bundle =
        record ? runtime_bundle_read(directory, options, error) : NULL;

    if (!bundle)
        return EXIT_FAILURE;
    job->record = record;
    job->bundle = bundle;
    job->terminal = bundle->terminal;
    job->process = "";
    job->console_socket = options->console_socket;
    job->pid_file = options->pid_file;
    job->preserved = options->preserved;
    take_bundle(record, bundle, directory);
    if (!runtime_job_check_console(job, error) || !runtime_record_create(record, error))
        return EXIT_FAILURE;
    return runtime_run_job(job, error);
}

int runtime_verb_create(RuntimeOptions *options, GError **error) {
    RuntimeJob job = {.kind = RUNTIME_JOB_CREATE, .detach = true};

    return make_container(options, &job, error);
}

int runtime_verb_run(RuntimeOptions *options, GError **error) {
    RuntimeJob job = {.kind = RUNTIME_JOB_RUN, .detach = options->detach, .keep = options->keep};

    return make_container(options, &job, error);
}

/* The monitor of create makes the call (monitor-socket.c). If none answers, the state explains why.
 */
int runtime_verb_start(RuntimeOptions *options, GError **error) {
    g_autoptr(RuntimeRecord) record =
        runtime_record_read(options->root, options->arguments[0], error);
    g_autoptr(GError) local = NULL;
    g_auto(RuntimeStatus) status = {.scope = NULL};

    if (!record)
        return EXIT_FAILURE;
    if (runtime_monitor_socket_ask(record, RUNTIME_MONITOR_START, 0, &local))
        return EXIT_SUCCESS;
    if (!g_error_matches(local, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    g_autoptr(sd_bus) bus = runtime_bus_open(error);
    if (!bus || !runtime_status_read(bus, record, &status, error))
        return EXIT_FAILURE;
    if (status.state == RUNTIME_STATE_STOPPED)
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "cannot start a container that has stopped");
    else
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "cannot start an already running container");
    return EXIT_FAILURE;
}

int runtime_verb_restore(RuntimeOptions *options, GError **error) {
    RuntimeJob job = {.kind = RUNTIME_JOB_RESTORE, .detach = options->detach, .keep = true};
    g_autoptr(RuntimeRecord) record =
        runtime_record_read(options->root, options->arguments[0], error);

    if (!record)
        return EXIT_FAILURE;
    job.record = record;
    job.process = "";
    job.pid_file = options->pid_file;
    job.preserved = options->preserved;
    return runtime_run_job(&job, error);
}
