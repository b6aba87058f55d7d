/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hold keeps the service running. An object that is still to do or to tell something takes one
 * when it is made and releases it when it goes; berthd exits when there is none. The reasons are
 * all that there are, and only say in the log what the service waits for.
 */

#pragma once

#include <stdbool.h>

typedef enum {
    BERTH_HOLD_OPERATION,
    BERTH_HOLD_CREATION,
    BERTH_HOLD_START,
    BERTH_HOLD_PROCESS, /* that runs in a container, and is watched */
    BERTH_HOLD_RESTART, /* that is planned */
    BERTH_HOLD_CALL,    /* that is not answered */
    BERTH_HOLD_QUESTION,
    BERTH_HOLD_SUBSCRIBER,
    BERTH_HOLD_WATCHER,
    BERTH_HOLD_LISTENER,
    BERTH_HOLD_LOG_SETTINGS,
    BERTH_HOLD_COUNT,
} BerthHoldReason;

typedef struct BerthHold BerthHold;

BerthHold *berth_hold_new(BerthHoldReason reason);
/* Releases it; NULL is fine. */
void berth_hold_free(BerthHold *hold);

/* The number of holds: 0 if the service is idle. */
unsigned berth_holds_count(void);
/* The reasons with their numbers, for a log entry. Caller frees. */
char *berth_holds_describe(void);
