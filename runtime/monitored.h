/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Containers as the service knows them, and the processes that monitors stand for. */

#pragma once

#include "call.h"
#include "record.h"

typedef enum {
    RUNTIME_STATE_STOPPED,
    RUNTIME_STATE_CREATED,
    RUNTIME_STATE_RUNNING,
    RUNTIME_STATE_PAUSED,
} RuntimeState;

typedef struct {
    RuntimeState state;
    pid_t pid;   /* of the container's first process; 0 unless it runs */
    char *scope; /* its unit; NULL if the service no longer knows the container */
} RuntimeStatus;

/* The state's name in the runtime specification, or runc's "paused". */
const char *runtime_state_get_name(RuntimeState state);

/* The state of a container according to the service. One that it does not know is stopped: its
 * record still has to be deleted. The same applies to a container that lost its monitor before it
 * was started. */
bool runtime_status_read(sd_bus *bus, const RuntimeRecord *record, RuntimeStatus *status,
                         GError **error);
void runtime_status_clear(RuntimeStatus *status);

/* For /proc/PID/ns/TYPE with the pid of a monitor of one of these records: the same path for its
 * container's first process, which the caller frees. NULL for any other path. */
bool runtime_monitored_find_path(const char *root, const char *path, char **real, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RuntimeStatus, runtime_status_clear)
