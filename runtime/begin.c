/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Creates and starts a container in the foreground. If the service is killed before it replies,
 * this asks what it has done, and repeats only the rest: a command is never executed twice. The
 * record reserves the id for this process, so a container with that id is the one that it has
 * requested. There is no state besides the service's.
 */

#include "begin.h"

#include "call.h"
#include "monitored.h"

static bool begin_rest(sd_bus *bus, const RuntimeJob *job, bool is_again, bool *made, pid_t *pid,
                       GError **error) {
    g_auto(RuntimeStatus) status = {.scope = NULL};

    if (is_again && !runtime_status_read(bus, job->record, &status, error))
        return false;
    if (!status.scope && !runtime_job_create(bus, job, error))
        return false;
    *made = true;
    if (!status.scope || status.state == RUNTIME_STATE_CREATED)
        return runtime_job_start(bus, job, pid, error);
    *pid = status.pid;
    return true;
}

bool runtime_begin(sd_bus *bus, const RuntimeJob *job, bool *made, pid_t *pid, GError **error) {
    for (unsigned tries = 0;; tries++) {
        g_autoptr(GError) local = NULL;
        if (begin_rest(bus, job, tries > 0, made, pid, &local))
            return true;
        if (!runtime_call_wait_if_lost(tries, local)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
    }
}
