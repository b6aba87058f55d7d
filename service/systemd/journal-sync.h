/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Waiting for journald: what a process has written before it ended is in journald's sockets, and
 * not necessarily in its files yet.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef struct BerthJournalSync BerthJournalSync;

/* Asks journald to write what has arrived, and calls done when it has, or has not answered in time.
 * NULL if it cannot be asked: there is nothing to wait for then. */
BerthJournalSync *berth_journal_sync_new(sd_event *event, void (*done)(void *userdata),
                                         void *userdata);
/* done is not called any more. */
void berth_journal_sync_free(BerthJournalSync *sync);
