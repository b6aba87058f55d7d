/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files of this folder share. */

#pragma once

#include "contents/contents.h"

struct BerthContents {
    sd_event *event;
    BerthContentStore *store;
    BerthDatabase *database;
    BerthRemotes *remotes;
    GHashTable *writers;       /* set of keys */
    GPtrArray *waiters;        /* for refs that are being written */
    sd_event_source *released; /* wakes them */
    GHashTable *pins;          /* digest → how often */
    GHashTable *sessions;      /* key → ingest session of a client */
    BerthContentObserver observer;
    void *userdata;
};

void berth_ingest_session_free(gpointer session);
