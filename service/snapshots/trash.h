/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Removes trees without blocking the loop: a tree is renamed out of the way at once, and a worker
 * empties it. If a crash comes first, the next start recognizes the trash by its name.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

#define BERTH_TRASH_PREFIX ".trash-"

/* Moves name in directory into the trash; does nothing if it does not exist. */
bool berth_trash_take(sd_event *event, int directory, const char *name, GError **error);

/* Empties and removes a directory whose name begins with the prefix. */
void berth_trash_empty(sd_event *event, int directory, const char *name);

/* Empties the trash that an earlier run left in directory. */
void berth_trash_sweep(sd_event *event, int directory);
