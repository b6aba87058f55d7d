/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The state shared by the files of this folder. */

#pragma once

#include "contents/contents.h"

struct BerthContents {
    sd_event *event;
    BerthContentStore *store;
    BerthDatabase *database;
    BerthRemotes *remotes;
    GHashTable *writers;       /* set of the refs of held claims */
    GPtrArray *waiters;        /* of BerthClaim: waiting claims, in order */
    sd_event_source *released; /* wakes them; owned by claim.c; NULL until the first one waits */
    GHashTable *pins;          /* digest → number of sets that contain it */
    GHashTable *sessions; /* key → IngestSession of ingest-session.c; NULL until the first one */
    BerthContentObserver observer;
    void *userdata;
};
