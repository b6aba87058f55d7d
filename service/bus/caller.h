/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The caller: what the bus knows of a connection (GetConnectionCredentials), and the unit of its
 * process. The uid decides; the process only where a container is put. */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

typedef struct {
    uint32_t uid;
    uint32_t pid;     /* 0: not known */
    uint64_t started; /* the process's start time, which tells it from a later one of that pid */
    char *unit;       /* of the system's manager; NULL: not known, or in none */
} BerthCaller;

/* Reads the bus' answer; false: it does not say whose the connection is. */
bool berth_caller_read(sd_bus_message *reply, BerthCaller *caller);

/* Of one that was allocated. */
void berth_caller_free(gpointer caller);
