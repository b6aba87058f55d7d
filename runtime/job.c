/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The calls of create, run and exec. The connection that creates a container may start it without
 * another authorization, so one process makes all the calls of a job (run-job.c).
 */

#include "job.h"

#include "base/fd.h"
#include "client/own-sources.h"
#include "leftovers.h"

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

enum { EXEC_FAILURE = 255 };

/* runc's exec fails with 255, so that engines can distinguish that from the status of the command.
 */
int runtime_job_failure(const RuntimeJob *job) {
    return job->kind == RUNTIME_JOB_EXEC ? EXEC_FAILURE : EXIT_FAILURE;
}

bool runtime_job_makes(const RuntimeJob *job) {
    return job->kind == RUNTIME_JOB_CREATE || job->kind == RUNTIME_JOB_RUN;
}

/* The texts are those of runc. */
bool runtime_job_check_console(const RuntimeJob *job, GError **error) {
    if (job->terminal && job->detach && !job->console_socket)
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "cannot allocate tty if runc will detach without setting console socket");
    if (!job->terminal && job->console_socket)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "cannot use console socket if there is no tty");
    return true;
}

static int append_preserved(sd_bus_message *call, uint64_t preserved) {
    int r = dist_open_list(call, "Descriptors", "(sh)");

    for (int i = 0; r >= 0 && i < RUNTIME_MAX_PRESERVED; i++)
        if (preserved >> i & 1)
            r = dist_append_named_descriptor(call, NULL, SD_LISTEN_FDS_START + i);
    return r < 0 ? r : dist_close_list(call);
}

int runtime_job_append_descriptors(sd_bus_message *call, const RuntimeJob *job) {
    int r = job->terminal ? 0 : dist_append_streams(call);

    return r < 0 || job->preserved == 0 ? r : append_preserved(call, job->preserved);
}

/* Labels show a reader of "dist ps" which engine owns this container. */
static int append_create(sd_bus_message *call, const RuntimeJob *job) {
    int r;

    if ((r = sd_bus_message_append(call, "ss", job->record->berth_id, "")) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = sd_bus_message_append(call, "{sv}{sv}{sv}{sv}{sv}", "Cgroup", "s",
                                   job->bundle->in_callers_cgroup ? "caller" : "scope", "Spec", "s",
                                   job->bundle->spec, "RootDirectory", "h", job->bundle->root,
                                   "Provisional", "b", (int)(job->kind == RUNTIME_JOB_CREATE),
                                   "Labels", "a{ss}", 3, "berth-runtime.id", job->record->id,
                                   "berth-runtime.root", job->record->root, "berth-runtime.bundle",
                                   job->record->bundle)) < 0 ||
        (r = dist_open_list(call, "Binds", "(hsas)")) < 0 ||
        (r = dist_append_own_sources(call, job->bundle->config)) < 0 ||
        (r = dist_close_list(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static bool job_call_create(sd_bus *bus, const RuntimeJob *job, GError **error) {
    g_autoptr(sd_bus_message) call = runtime_call_new(bus, "Create", error);

    if (!call)
        return false;
    int r = append_create(call, job);
    if (r < 0)
        return runtime_call_malformed(r, error);
    g_autoptr(sd_bus_message) reply = runtime_call_send(g_steal_pointer(&call), error);
    return reply != NULL;
}

/* The record of this job is new, so a container with its id is older (leftovers.c). */
bool runtime_job_create(sd_bus *bus, const RuntimeJob *job, GError **error) {
    g_autoptr(GError) local = NULL;

    if (job_call_create(bus, job, &local))
        return true;
    if (g_error_matches(local, BERTH_ERROR, BERTH_ERROR_ALREADY_EXISTS) &&
        runtime_leftovers_remove_one(bus, job->record))
        return job_call_create(bus, job, error);
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

static int append_text(sd_bus_message *call, const char *key, const char *value) {
    return value ? sd_bus_message_append(call, "{sv}", key, "s", value) : 0;
}

static int append_exec(sd_bus_message *call, const RuntimeJob *job) {
    int r;

    if ((r = sd_bus_message_append_strv(call, job->command)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = append_text(call, "Spec", job->spec)) < 0 ||
        (r = append_text(call, "WorkingDirectory", job->working_directory)) < 0 ||
        (r = append_text(call, "User", job->user)) < 0 ||
        (r = dist_append_strings(call, "Env", job->environment)) < 0 ||
        (r = dist_append_strings(call, "CapabilitiesAdd", job->capabilities)) < 0)
        return r;
    if (job->no_new_privileges &&
        (r = sd_bus_message_append(call, "{sv}", "NoNewPrivileges", "b", 1)) < 0)
        return r;
    /* A process given by the caller says itself whether it has one. */
    if (job->terminal && !job->spec &&
        (r = sd_bus_message_append(call, "{sv}", "Terminal", "b", 1)) < 0)
        return r;
    if ((r = runtime_job_append_descriptors(call, job)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static int append_start(sd_bus_message *call, const RuntimeJob *job) {
    int r;

    if ((r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = runtime_job_append_descriptors(call, job)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* In the order of RuntimeJobKind: a container made by create is also started with Start. */
bool runtime_job_start(sd_bus *bus, const RuntimeJob *job, pid_t *pid, GError **error) {
    static const char *const members[] = {"Start", "Start", "Restore", "Exec"};
    bool is_exec = job->kind == RUNTIME_JOB_EXEC;
    g_autoptr(sd_bus_message) call = runtime_call_new(bus, members[job->kind], error);
    uint32_t number;

    if (!call)
        return false;
    int r = sd_bus_message_append(call, "s", job->record->berth_id);
    if (r >= 0 && is_exec)
        r = sd_bus_message_append(call, "s", job->process);
    if (r >= 0)
        r = is_exec ? append_exec(call, job) : append_start(call, job);
    if (r < 0)
        return runtime_call_malformed(r, error);
    g_autoptr(sd_bus_message) reply = runtime_call_send(g_steal_pointer(&call), error);
    if (!reply)
        return false;
    if ((r = sd_bus_message_read(reply, "u", &number)) < 0)
        return runtime_call_malformed(r, error);
    *pid = (pid_t)number;
    return true;
}

int runtime_job_open_terminal(sd_bus *bus, const RuntimeJob *job, GError **error) {
    int fd;
    g_autoptr(sd_bus_message) reply =
        runtime_call(bus, error, "OpenTerminal", "ssa{sv}", job->record->berth_id, job->process, 0);

    if (!reply)
        return -1;
    int r = sd_bus_message_read(reply, "h", &fd);
    if (r < 0) {
        runtime_call_malformed(r, error);
        return -1;
    }
    /* The reply closes its own descriptor. */
    fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        berth_error_set_errno(error, errno, "keep the terminal");
    return fd;
}
