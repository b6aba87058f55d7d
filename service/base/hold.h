/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hold keeps the service running. An object that still has something to do or to report takes one
 * when it is created and releases it when it is freed; berthd exits when there are none. The
 * reasons are the complete list, and are only used to log what the service is waiting for.
 */

#pragma once

#include <stdbool.h>

typedef enum {
    BERTH_HOLD_OPERATION,
    BERTH_HOLD_CREATION,
    BERTH_HOLD_START,
    BERTH_HOLD_PROCESS, /* running in a container and being watched */
    BERTH_HOLD_RESTART, /* scheduled */
    BERTH_HOLD_CALL,    /* unanswered */
    BERTH_HOLD_QUESTION,
    BERTH_HOLD_SUBSCRIBER,
    BERTH_HOLD_WATCHER,
    BERTH_HOLD_LISTENER,
    BERTH_HOLD_LOG_SETTINGS,
    BERTH_HOLD_COUNT,
} BerthHoldReason;

typedef struct BerthHold BerthHold;

/* Takes a hold, which is owned by the caller. */
BerthHold *berth_hold_new(BerthHoldReason reason);
/* Releases the hold; NULL is ignored. */
void berth_hold_free(BerthHold *hold);

/* Returns the number of holds: 0 if the service is idle. */
unsigned berth_holds_count(void);
/* Returns the number of holds with this reason. */
unsigned berth_holds_count_of(BerthHoldReason reason);
/* Returns the reasons with their numbers, for a log entry. The caller frees it. */
char *berth_holds_describe(void);
