/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb "dist stats". */

#pragma once

#include "client/option.h"

extern const DistOption dist_stats_options[];
int dist_verb_stats(char **argv, GError **error);
