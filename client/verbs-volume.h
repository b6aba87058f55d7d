/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist volume: list, create, rm. */

#pragma once

#include "dist.h"

int dist_verb_volume(int argc, char **argv, GError **error);
