/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Removing trees without holding up the loop: a tree is renamed out of the way at once, and a
 * worker empties it. What a crash leaves has a name that tells it is trash.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

#define BERTH_TRASH_PREFIX ".trash-"

/* Puts name of directory into the trash; what is not there is fine. */
bool berth_trash_take(sd_event *event, int directory, const char *name, GError **error);

/* Empties and removes a directory whose name begins with the prefix. */
void berth_trash_empty(sd_event *event, int directory, const char *name);

/* Empties what an earlier run left in directory. */
void berth_trash_sweep(sd_event *event, int directory);

/* How many trees are still being removed; the service does not exit before. */
unsigned berth_trash_count(void);
