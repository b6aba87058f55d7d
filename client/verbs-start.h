/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist start", "dist restart" and "dist restore". */

#pragma once

#include "client/option.h"

extern const DistOption dist_start_options[], dist_restart_options[], dist_restore_options[];
int dist_verb_start(char **argv, GError **error);
int dist_verb_restart(char **argv, GError **error);
int dist_verb_restore(char **argv, GError **error);
