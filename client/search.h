/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb "dist search". */

#pragma once

#include "client/option.h"

extern const DistOption dist_search_options[];
int dist_verb_search(char **argv, GError **error);
