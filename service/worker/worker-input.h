/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a worker sends, on its way to sd-bus, which would keep in memory whatever a worker sends as
 * one message, up to 128 MiB: only messages that a worker may send get there.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef struct BerthWorkerInput BerthWorkerInput;

/* Called once, from the event loop, if the worker sends something that no worker sends. Nothing is
 * passed on after that. */
typedef void (*BerthWorkerInputRefused)(void *userdata);

/* Passes on what arrives at socket, which still belongs to the caller. *passed is a descriptor from
 * which it can be read, and belongs to the caller. */
BerthWorkerInput *berth_worker_input_new(sd_event *event, int socket, int *passed,
                                         BerthWorkerInputRefused refused, void *userdata,
                                         GError **error);
void berth_worker_input_free(BerthWorkerInput *input);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthWorkerInput, berth_worker_input_free)
