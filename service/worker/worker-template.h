/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A template of a worker: its program, loaded and idle, from which processes are cloned that would
 * otherwise have to be executed and loaded one by one. An operation that needs many workers of a
 * kind in succession has one template for them, and frees it when the last worker has been created.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

typedef struct BerthWorkerTemplate BerthWorkerTemplate;

/* Creates a template without a process, which is started after several workers have been
 * requested. */
BerthWorkerTemplate *berth_worker_template_new(sd_event *event, const char *kind);
/* Kills the process of the template, but none of the workers cloned from it. */
void berth_worker_template_free(BerthWorkerTemplate *template);

/* Clones a worker with these descriptors, like berth_worker_process_start(). Returns 0 if the
 * template is not ready or has failed; the caller must then use that function, with a new socket:
 * the worker may have been cloned before the template failed to report it. That worker finds its
 * own socket closed and exits. */
pid_t berth_worker_template_clone(BerthWorkerTemplate *template, int socket, int directory);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthWorkerTemplate, berth_worker_template_free)
