/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs of "dist pod" that are about the containers of pods. */

#pragma once

#include "client/option.h"

extern const DistOption dist_pod_kill_options[];

int dist_pod_kill(char **argv, GError **error);
int dist_pod_pause(char **argv, GError **error);
int dist_pod_unpause(char **argv, GError **error);
/* With the options of the verbs without "pod". */
int dist_pod_stats(char **argv, GError **error);
int dist_pod_logs(char **argv, GError **error);
