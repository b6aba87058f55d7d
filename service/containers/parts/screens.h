/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-screen, the worker that reads and writes terminals. Their masters are open file
 * descriptions that clients share: a client that clears O_NONBLOCK, or fills the bell, can make
 * whoever uses them wait. So the service uses none of them itself, each owner of containers has a
 * worker of its own, and one that does not answer in time is killed; what it read last is in the
 * screen.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef struct BerthScreens BerthScreens;

BerthScreens *berth_screens_new(sd_event *event);
void berth_screens_free(BerthScreens *screens);

/* error: the worker died, and reads nothing any more. */
typedef void (*BerthScreenReleased)(const GError *error, void *userdata);
typedef void (*BerthScreenDone)(const GError *error, void *userdata);

/* Has the master read into the screen (base/screen.h) by the worker of this owner; both are
 * duplicated. released is called when it is read no longer, never from here. Returns what to name
 * it by, or 0 with error. */
uint64_t berth_screens_keep(BerthScreens *screens, uint32_t owner, int master, int screen,
                            BerthScreenReleased released, void *userdata, GError **error);
/* Has what is there read, and then no more. */
void berth_screens_release(BerthScreens *screens, uint64_t token);
/* The same, without calling released. */
void berth_screens_forget(BerthScreens *screens, uint64_t token);

/* Types one character, the end of input; done is called once, perhaps from here. */
void berth_screens_type(BerthScreens *screens, uint32_t owner, int master, uint8_t character,
                        BerthScreenDone done, void *userdata);
/* Tells those attached that there is something on the screen. */
void berth_screens_ring(BerthScreens *screens, uint32_t owner, int bell);
