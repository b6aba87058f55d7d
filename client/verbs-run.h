/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making, starting and running containers. */

#pragma once

#include "dist.h"

int dist_verb_run(int argc, char **argv, GError **error);
int dist_verb_create(int argc, char **argv, GError **error);
/* "created", "running" …; NULL with error. Caller frees. */
char *dist_get_state(const char *id, GError **error);

int dist_verb_start(int argc, char **argv, GError **error);

/* The exit status in a reply to Wait, as one of dist's own; an unknown one is an error. */
int dist_read_status(sd_bus_message *reply, const char *id, GError **error);
