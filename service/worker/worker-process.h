/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The process of a worker, for worker/worker.c. */

#pragma once

#include "base/error.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

/* Fails with LimitExceeded if too many killed workers of the user have not ended yet. */
bool berth_worker_process_check(uid_t uid, GError **error);

/* Starts libexecdir/berth-KIND with these descriptors, which still belong to the caller and must be
 * above those with fixed numbers in the worker (base/worker-members.h). directory: -1 for none;
 * uid: 0 for the service. *words: the end of its standard error, which belongs to the caller.
 * Returns -1 with error set on failure. */
pid_t berth_worker_process_start(const char *kind, uid_t uid, int socket, int directory, int *words,
                                 GError **error);

/* Like berth_worker_process_start, as a template of workers (worker/worker-template.c). cloned: the
 * file for the PID of the worker that it cloned last. */
pid_t berth_worker_process_start_template(const char *kind, int socket, int cloned, int *words,
                                          GError **error);

/* Kills the process. The event loop reaps it, which may take long, and then logs its words (-1:
 * none), which it takes over. */
void berth_worker_process_kill(pid_t pid, sd_event *event, const char *kind, uid_t uid, int words);
/* Like berth_worker_process_kill, for a template. After its end, the worker whose PID is in cloned
 * (0: none) is killed as well, since berthd has not received that PID. Takes over cloned and words.
 */
void berth_worker_process_kill_template(pid_t pid, sd_event *event, const char *kind, int cloned,
                                        int words);
