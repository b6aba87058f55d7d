/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A template of a worker: its program, loaded and doing nothing, from which processes are cloned
 * that would otherwise each be executed and loaded anew. Who needs many workers of a kind, one
 * after the other, has one for them, and frees it when the last has been made.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

typedef struct BerthWorkerTemplate BerthWorkerTemplate;

/* Without a process: that is started when it has been asked for some workers. */
BerthWorkerTemplate *berth_worker_template_new(sd_event *event, const char *kind);
void berth_worker_template_free(BerthWorkerTemplate *template);

/* A worker with these descriptors, as berth_worker_process_start() makes one. 0 if the caller has
 * to start it by that, because the template is not ready, or not any more. It does so with another
 * socket: a worker may have been cloned, and the template have failed before it could tell. That
 * worker finds its own socket closed, and ends. */
pid_t berth_worker_template_clone(BerthWorkerTemplate *template, int socket, int directory);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthWorkerTemplate, berth_worker_template_free)
