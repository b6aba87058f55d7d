/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist events". */

#pragma once

#include "client/option.h"

extern const DistOption dist_events_options[];
int dist_verb_events(char **argv, GError **error);
