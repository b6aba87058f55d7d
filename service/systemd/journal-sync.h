/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Waiting for journald: what a process has written before it ended is in journald's sockets, but
 * may not be in its files yet.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef struct BerthJournalSync BerthJournalSync;

/* Asks journald to write what has arrived, and calls done when it has replied or failed to do so in
 * time. Returns NULL if it cannot be asked, in which case there is nothing to wait for. */
BerthJournalSync *berth_journal_sync_new(sd_event *event, void (*done)(void *userdata),
                                         void *userdata);
/* Frees it; done is not called any more. */
void berth_journal_sync_free(BerthJournalSync *sync);
