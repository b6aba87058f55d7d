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

/* The same for what a crash has left. If it cannot be moved, because of an error of the disk, it is
 * left for the next start: the service looks after everything else nevertheless. field: the journal
 * field for the name in the warning, or NULL. */
void berth_trash_take_remains(sd_event *event, int directory, const char *name, const char *field);

/* Empties and removes a directory whose name begins with the prefix. */
void berth_trash_empty(sd_event *event, int directory, const char *name);

/* Empties the trash that an earlier run left in directory. */
void berth_trash_sweep(sd_event *event, int directory);
