/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The latest output of a terminal, shared by all clients attached to it. The master of a terminal
 * returns each byte to one reader only, so the reader appends it here, to a ring in memory, and
 * every client displays what is new in the ring. A kernel lock, which is released when its holder
 * dies, makes one client the reader for a moment. The others are notified of new bytes by a bell:
 * an eventfd that each client watches edge-triggered and that none reads. If a reader is killed,
 * nothing is lost: the next one finds the bytes that it had not counted.
 *
 * Every attached client can write here; the content is trusted no more than text from the terminal.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>

enum {
    BERTH_SCREEN_BYTES = 64 * 1024, /* the whole ring */
    BERTH_SCREEN_READ_BYTES = 4096, /* the part of it that is reserved for a read */
    BERTH_SCREEN_KEPT_BYTES = BERTH_SCREEN_BYTES - BERTH_SCREEN_READ_BYTES,
};

/* Creates a screen whose size cannot change. Returns -1 with error set on failure. */
int berth_screen_new(GError **error);

/* Opens the same screen for another client, with separate locks. Returns -1 with errno set on
 * failure. */
int berth_screen_reopen(int file);

/* The position of one client. file is its own descriptor from berth_screen_reopen(); everything
 * else is initially 0. */
typedef struct {
    int file;
    void *map;
    uint64_t position;
    bool joined;
} BerthScreen;

/* Closes the file as well. */
void berth_screen_clear(BerthScreen *screen);

typedef enum {
    BERTH_SCREEN_BUSY,  /* another client is reading */
    BERTH_SCREEN_QUIET, /* the terminal has no further output */
    BERTH_SCREEN_MORE,  /* the terminal had output: ring the bell, and take again */
    BERTH_SCREEN_CLOSED /* no process has the other side open */
} BerthScreenState;

/*
 * Reads once from the terminal, without waiting (master is non-blocking), and appends to fresh
 * everything that the caller has not seen. On the first call this includes the remaining earlier
 * output, starting at a line. fresh may be NULL.
 */
BerthScreenState berth_screen_take(BerthScreen *screen, int master, GByteArray *fresh);
