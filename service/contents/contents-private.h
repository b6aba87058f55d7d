/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The state that the files of this folder share. */

#pragma once

#include "contents/contents.h"

struct BerthContents {
    sd_event *event;
    BerthContentStore *store;
    BerthDatabase *database;
    BerthRemotes *remotes;
    GHashTable *writers;       /* a set of the refs of claims that are held */
    GPtrArray *waiters;        /* of BerthClaim, those that wait, in their order */
    sd_event_source *released; /* wakes them; claim.c's, NULL before the first waits */
    GHashTable *pins;          /* digest → how often */
    GHashTable *sessions;      /* key → ingest-session.c's; NULL before the first */
    BerthContentObserver observer;
    void *userdata;
};
