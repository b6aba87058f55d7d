/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Chooses the process that makes the calls of a job. In the foreground, that is this process.
 * Otherwise it is a monitor, which this process leaves behind: a container's process is a child of
 * the service and can never be one of conmon or of containerd's shim, but the monitor can, and it
 * exits with the container's status (monitor.c). This process waits for the monitor's report, whose
 * first byte is an exit status, and then exits itself.
 */

#include "run-job.h"

#include "base/fd.h"
#include "monitor.h"

#include <errno.h>
#include <sys/wait.h>

enum { MAX_REPORT = 4096 };

/* Reads the monitor's report: an exit status and the text of an error. An empty report means that
 * the monitor died. */
static int run_job_read_report(int report, const RuntimeJob *job, GError **error) {
    char text[MAX_REPORT + 2] = "";
    ssize_t n, size = 0;

    while (size <= MAX_REPORT &&
           ((n = read(report, text + size, (size_t)(MAX_REPORT + 1 - size))) > 0 ||
            (n < 0 && errno == EINTR)))
        size += MAX(n, 0);
    if (size == 0) {
        berth_error_set(error, BERTH_ERROR_INTERNAL, "the monitor of container %s died",
                        job->record->id);
        return runtime_job_failure(job);
    }
    if (size > 1)
        berth_error_set(error, BERTH_ERROR_INTERNAL, "%s", text + 1);
    return (unsigned char)text[0];
}

/* The monitor has its own session, so that it survives the engine's terminal. It exits with
 * _exit(): buffers and exit handlers belong to this process. */
static int run_job_detached(const RuntimeJob *job, GError **error) {
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        berth_error_set_errno(error, errno, "make a pipe");
        return runtime_job_failure(job);
    }
    pid_t monitor = fork();
    if (monitor == 0) {
        close(ends[0]);
        (void)setsid();
        _exit(runtime_monitor_run(job, ends[1], NULL));
    }
    close(ends[1]);
    berth_autofd int report = ends[0];
    if (monitor < 0) {
        berth_error_set_errno(error, errno, "start the monitor of container %s", job->record->id);
        return runtime_job_failure(job);
    }
    int status = run_job_read_report(report, job, error);
    /* A failed monitor is reaped here, so that an engine that is a subreaper does not find it. */
    if (status != 0)
        (void)waitpid(monitor, NULL, 0);
    return status;
}

int runtime_run_job(const RuntimeJob *job, GError **error) {
    runtime_inherited_close(job->preserved);
    return job->detach ? run_job_detached(job, error) : runtime_monitor_run(job, -1, error);
}
