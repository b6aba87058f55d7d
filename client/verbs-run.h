/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making, starting and running containers. */

#pragma once

#include "dist.h"

/* Ids of what is started with the system and does not run. Freed with g_strfreev. */
char **dist_list_autostart(GError **error);

/* Ids of what runs, paused or not. Freed with g_strfreev. */
char **dist_list_running(GError **error);

/* What leaves a terminal if nothing else was said. */
#define DIST_DETACH_KEYS "ctrl-p,ctrl-q"

int dist_verb_run(int argc, char **argv, GError **error);
int dist_verb_create(int argc, char **argv, GError **error);
/* "created", "running" …, and whether it has a terminal; NULL with error. Caller frees. */
char *dist_get_state(const char *id, bool *terminal, GError **error);

int dist_verb_start(int argc, char **argv, GError **error);
int dist_verb_restore(int argc, char **argv, GError **error);
