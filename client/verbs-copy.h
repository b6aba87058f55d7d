/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist cp, dist diff. */

#pragma once

#include "dist.h"

int dist_verb_cp(int argc, char **argv, GError **error);
int dist_verb_diff(int argc, char **argv, GError **error);
