/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The replies to Create, Start, Exec and Wait. */

#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>

typedef enum {
    DIST_CREATION_REFUSED, /* or not answered yet */
    DIST_CREATION_DONE,
    DIST_CREATION_LOST, /* the service went away before it replied */
} DistCreation;

/* The state after a reply to Create, whose error error is set to. */
DistCreation dist_creation_read(sd_bus_message *reply, GError **error);

/* Writes the pid from a reply to Start or Exec to the file, which may be NULL. */
bool dist_write_pid(sd_bus_message *reply, const char *file, GError **error);
bool dist_write_pid_file(uint32_t pid, const char *file, GError **error);

/* The exit status in a reply to Wait, as an exit status of dist; an unknown one is an error. */
int dist_read_status(sd_bus_message *reply, const char *id, GError **error);
