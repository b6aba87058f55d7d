/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A process of a container in the foreground: dist waits for it to exit and returns its status.
 * Without a terminal, the process has dist's own descriptors, or dist shows what it writes to the
 * journal; with one, dist relays between its own terminal and the process's, as ssh does.
 */

#pragma once

#include "client/process-replies.h"
#include "client/readiness.h"

/* The default keys that detach from a terminal. */
#define DIST_DETACH_KEYS "ctrl-p,ctrl-q"

/* What of the process dist shows. */
typedef enum {
    DIST_SHOWS_NOTHING, /* it has dist's own descriptors */
    DIST_SHOWS_TERMINAL,
    DIST_SHOWS_JOURNAL,
} DistForegroundView;

/* What the signals do that dist receives. */
typedef enum {
    DIST_SIGNALS_PASSED,         /* they are sent to the process */
    DIST_SIGNALS_PASSED_IN_UNIT, /* the same, but SIGTERM stops the container: dist's unit stops */
    DIST_SIGNALS_STOP,           /* each of them stops the container or pod */
    DIST_SIGNALS_KEPT,           /* they end only dist (--sig-proxy=false) */
} DistForegroundSignals;

typedef struct {
    const char *id, *process; /* "" for the container's first process */
    bool pod;                 /* id is a pod's */
    sd_bus_message *create;   /* the call that creates the container first; NULL if it exists */
    DistCreation *creation;   /* the result of that call */
    sd_bus_message *start;    /* the call that starts it; NULL if it is running */
    bool wait_after_start;    /* it has run before: called now, Wait would return that status */
    DistForegroundView view;
    const char *detach_keys; /* such as "ctrl-p,ctrl-q" */
    DistNotify notify;       /* when dist's unit is ready */
    DistForegroundSignals signals;
    bool *stop_requested; /* set to whether a stop was requested for the unit; may be NULL */
    const char *pid_file; /* file that the pid is written to once it runs; NULL for none */
} DistForeground;

/* Returns the exit status of the process; 0 after detaching. */
int dist_foreground_run(const DistForeground *foreground, GError **error);
