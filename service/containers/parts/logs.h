/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a container has logged, through a pipe that a worker fills (berth-journal). */

#pragma once

#include "base/charge.h"
#include "containers/core/object.h"

typedef struct {
    uint64_t since_usec, until_usec; /* 0 and UINT64_MAX: all */
    uint64_t lines;                  /* the last ones; UINT64_MAX: all */
    bool follow;
    bool messages;       /* these alone; otherwise entries … */
    char *const *fields; /* … with these fields; none or NULL: all */
    const char *client;  /* the worker ends when it leaves the bus */
} BerthLogsRequest;

/* The end of the pipe that is read from, which is the caller's; -1 with error. Takes the charge
 * over. */
int berth_container_open_logs(BerthContainer *container, const BerthLogsRequest *request,
                              BerthCharge *charge, GError **error);
