/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files of this folder share. */

#pragma once

#include "contents/contents.h"

struct BerthContents {
    sd_event *event;
    BerthContentStore *store;
    BerthDatabase *database;
    BerthRemotes *remotes;
    GHashTable *writers;       /* a set of the refs of claims that are held */
    GPtrArray *waiters;        /* of BerthClaim, those that wait, in their order */
    sd_event_source *released; /* wakes them */
    GHashTable *pins;          /* digest → how often */
    GHashTable *sessions;      /* key → ingest session of a client */
    BerthContentObserver observer;
    void *userdata;
};

void berth_ingest_session_free(gpointer session);

/* Wakes claims that wait for refs which are free now; a source of the event loop. */
int berth_claims_wake(sd_event_source *source, void *userdata);
