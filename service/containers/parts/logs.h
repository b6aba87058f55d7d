/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading the log of a container, through a pipe that a worker writes to (berth-journal). */

#pragma once

#include "base/charge.h"
#include "containers/core/part.h"

/* Ends readers when their container is deleted or renamed. */
extern const BerthPart berth_logs_part;

typedef struct {
    uint64_t since_usec, until_usec; /* 0 and UINT64_MAX: no limit */
    uint64_t lines;                  /* only the last ones; UINT64_MAX: all */
    bool follow;
    bool messages;       /* messages only; otherwise whole entries … */
    char *const *fields; /* … with these fields; NULL or empty: all fields */
    const char *client;  /* the worker ends when this client disconnects */
} BerthLogsRequest;

/* Returns the read end of the pipe, which the caller owns, or -1 with error. Takes over the
 * charge. */
int berth_container_open_logs(BerthContainer *container, const BerthLogsRequest *request,
                              BerthCharge *charge, GError **error);
