/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What has happened to containers, in the order in which it was recorded. */

#pragma once

#include "store/database.h"

typedef struct {
    uint64_t sequence;
    char *kind, *id, *process;
    uint32_t pid, owner;
    int status;
    uint64_t time_usec;
} BerthEvent;

void berth_event_free(BerthEvent *event);

/* Adds an event, sets its sequence and time, and deletes the oldest ones beyond a limit. */
bool berth_event_store_add(BerthDatabase *database, const BerthEvent *event, uint64_t *sequence,
                           GError **error);
/* Called at the start of the service: deletes damaged events after which no other could follow. */
bool berth_event_store_repair(BerthDatabase *database, GError **error);
/* Returns at most limit events after sequence, oldest first. */
GPtrArray *berth_event_store_list_since(BerthDatabase *database, uint64_t sequence, unsigned limit,
                                        GError **error);
/* Returns the event with this sequence; NULL if there is none. The caller frees it. */
BerthEvent *berth_event_store_get(BerthDatabase *database, uint64_t sequence);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthEvent, berth_event_free)
