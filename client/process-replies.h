/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The replies to Create, Start, Exec and Wait. */

#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>

typedef enum {
    DIST_CREATION_REFUSED, /* or not answered yet */
    DIST_CREATION_DONE,
    DIST_CREATION_LOST, /* the service ended before it answered */
} DistCreation;

/* The state after an answer to Create; error is that of the answer. */
DistCreation dist_creation_read(sd_bus_message *reply, GError **error);

/* Writes the pid that a reply to Start or Exec says; file may be NULL. */
bool dist_write_pid(sd_bus_message *reply, const char *file, GError **error);

/* The exit status in a reply to Wait, as one of dist's own; an unknown one is an error. */
int dist_read_status(sd_bus_message *reply, const char *id, GError **error);
