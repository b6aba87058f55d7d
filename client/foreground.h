/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A process of a container in the foreground: dist waits for its end and takes its status. Without
 * a terminal the process has dist's own descriptors, or dist shows what it writes to the journal;
 * with one, dist stands between the terminal it was started in and the process's, as ssh does.
 */

#pragma once

#include "client/process-replies.h"
#include "client/readiness.h"

/* The keys that leave a terminal, by default. */
#define DIST_DETACH_KEYS "ctrl-p,ctrl-q"

typedef struct {
    const char *id, *process; /* "" for the container's first */
    bool pod;                 /* it is a pod: signals stop it */
    sd_bus_message *create;   /* the call that makes the container first; NULL if it is there */
    DistCreation *creation;   /* how that has ended */
    sd_bus_message *start;    /* the call that starts it; NULL for one that runs */
    bool wait_after_start;    /* it ran before: asked now, Wait would answer how that ended */
    bool terminal, journal;   /* whether to show its terminal, its journal */
    const char *detach_keys;  /* as "ctrl-p,ctrl-q" */
    DistNotify notify;        /* when dist's unit is ready */
    bool stops;               /* SIGTERM stops the container, as its unit wants it */
    bool lets_go;             /* a signal ends dist alone, as --sig-proxy=false has it */
    bool *stopped;            /* set when that was so; NULL: not asked for */
    const char *pid_file;     /* its pid is written there when it runs; NULL for nowhere */
} DistForeground;

/* Its exit status; 0 after detaching. */
int dist_foreground_run(const DistForeground *foreground, GError **error);
