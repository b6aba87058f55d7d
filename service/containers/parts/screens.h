/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-screen, the worker that reads from and writes to terminals. The masters are open file
 * descriptions that clients share: a client that clears O_NONBLOCK, or saturates the bell, can make
 * anyone who uses them block. Therefore the service itself uses none of them. Each owner of
 * containers has a separate worker, and a worker that does not answer in time is killed; what it
 * has read so far remains in the screen.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef struct BerthScreens BerthScreens;

BerthScreens *berth_screens_new(sd_event *event);
void berth_screens_free(BerthScreens *screens);

/* error is set if the worker died, and so stopped reading. */
typedef void (*BerthScreenReleased)(const GError *error, void *userdata);
typedef void (*BerthScreenDone)(const GError *error, void *userdata);

/* Lets the worker of this owner read the master into the screen (base/screen.h); both descriptors
 * are duplicated. released is called when the worker no longer reads it, but never before this
 * returns. Returns a token for the functions below, or 0 with error. */
uint64_t berth_screens_keep(BerthScreens *screens, uint32_t owner, int master, int screen,
                            BerthScreenReleased released, void *userdata, GError **error);
/* Lets the worker read what is already in the terminal, and then stop. */
void berth_screens_release(BerthScreens *screens, uint64_t token);
/* The same, but released is not called. */
void berth_screens_forget(BerthScreens *screens, uint64_t token);

/* Types one character, the end-of-file character. done is called once, possibly before this
 * returns. */
void berth_screens_type(BerthScreens *screens, uint32_t owner, int master, uint8_t character,
                        BerthScreenDone done, void *userdata);
/* Notifies attached clients that there is something on the screen. */
void berth_screens_ring(BerthScreens *screens, uint32_t owner, int bell);
