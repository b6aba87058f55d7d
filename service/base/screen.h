/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a terminal wrote last, shared by all who are attached to it. The master of a terminal gives
 * each byte to one reader only; so whoever reads, appends it here, to a ring in memory, and all
 * show what is new in the ring. A lock of the kernel's, which ends with its holder, makes one of
 * them the reader for a moment. The others learn of new bytes by a bell: an eventfd that each
 * watches edge-triggered and nobody reads. One that is killed while it reads has lost nothing: what
 * it did not come to count is found by the next.
 *
 * Who is attached may write here; nothing that is found here is believed further than as text of
 * the terminal's.
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

/* The same one for another, whose locks are his own; -1 with errno. */
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
    BERTH_SCREEN_BUSY,  /* another reads just now */
    BERTH_SCREEN_QUIET, /* the terminal has no more */
    BERTH_SCREEN_MORE,  /* the terminal had bytes: ring, and take again */
    BERTH_SCREEN_CLOSED /* nobody has the other side open now */
} BerthScreenState;

/*
 * Takes what the terminal has, once, without waiting (master is non-blocking), and appends to fresh
 * what the caller has not seen. The first time that is what is left of before, from the beginning
 * of a line. fresh may be NULL.
 */
BerthScreenState berth_screen_take(BerthScreen *screen, int master, GByteArray *fresh);
