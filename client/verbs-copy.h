/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist cp. */

#pragma once

#include "dist.h"

int dist_verb_cp(int argc, char **argv, GError **error);
