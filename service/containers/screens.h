/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-screen, the worker that reads terminals which nobody is attached to: one for all of them,
 * there only while it has some. */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef struct BerthScreens BerthScreens;

BerthScreens *berth_screens_new(sd_event *event);
void berth_screens_free(BerthScreens *screens);

/* error: the worker died, and reads nothing any more. */
typedef void (*BerthScreenReleased)(const GError *error, void *userdata);

/* Has the master read into the screen (base/screen.h); both are duplicated. released is called when
 * it is read no longer, never from here. Returns what to name it by, or 0 with error. */
uint64_t berth_screens_keep(BerthScreens *screens, int master, int screen,
                            BerthScreenReleased released, void *userdata, GError **error);
/* Has what is there read, and then no more. */
void berth_screens_release(BerthScreens *screens, uint64_t token);
/* The same; nobody is told. */
void berth_screens_forget(BerthScreens *screens, uint64_t token);
