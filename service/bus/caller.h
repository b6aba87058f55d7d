/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The caller: what the bus knows about a connection (GetConnectionCredentials), and the unit of its
 * process. Decisions rely on the uid. The process is only used to decide in which cgroup a
 * container is placed.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

typedef struct {
    uint32_t uid;
    uint32_t pid;     /* 0: unknown */
    uint64_t started; /* start time, which tells the process from a later one of that PID */
    char *unit;       /* of the system manager; NULL: unknown or none */
} BerthCaller;

/* Reads the bus's reply. Returns false if it does not say which user the connection belongs to. */
bool berth_caller_read(sd_bus_message *reply, BerthCaller *caller);

/* Frees a caller that was allocated on the heap. */
void berth_caller_free(gpointer caller);
