/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist top: the processes of a container. */

#pragma once

#include "client/settings.h"

extern const DistOption dist_top_options[];

int dist_verb_top(char **argv, GError **error);
