/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The last output of a terminal, shared by all clients that are attached to it. The master of a
 * terminal gives each byte to one reader only; so the reader appends it here, to a ring in memory,
 * and every client shows what is new in the ring. A lock of the kernel's, which ends with its
 * holder, makes one client the reader for a moment. The others learn of new bytes by a bell: an
 * eventfd that each client watches edge-triggered and none reads. A reader that is killed loses
 * nothing: the next one finds what it had not counted yet.
 *
 * Every attached client may write here; the content is trusted no further than as text from the
 * terminal.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>

enum {
    BERTH_SCREEN_BYTES = 64 * 1024, /* the ring */
    BERTH_SCREEN_READ_BYTES = 4096, /* of it, for what is being read */
    BERTH_SCREEN_KEPT_BYTES = BERTH_SCREEN_BYTES - BERTH_SCREEN_READ_BYTES,
};

/* A new one, of a size that cannot change; -1 with error. */
int berth_screen_new(GError **error);

/* The same screen for another client, with locks of its own; -1 with errno. */
int berth_screen_reopen(int file);

/* One reader's place. file is what was reopened for it; the rest begins as 0. */
typedef struct {
    int file;
    void *map;
    uint64_t position;
    bool joined;
} BerthScreen;

/* Closes the file, too. */
void berth_screen_clear(BerthScreen *screen);

typedef enum {
    BERTH_SCREEN_BUSY,  /* another client is reading */
    BERTH_SCREEN_QUIET, /* the terminal has no more */
    BERTH_SCREEN_MORE,  /* the terminal had bytes: ring, and take again */
    BERTH_SCREEN_CLOSED /* no process has the other side open */
} BerthScreenState;

/*
 * Takes what the terminal has, once, without waiting (master is non-blocking), and appends to fresh
 * what the caller has not seen. The first time that is what is left of before, from the beginning
 * of a line. fresh may be NULL.
 */
BerthScreenState berth_screen_take(BerthScreen *screen, int master, GByteArray *fresh);
