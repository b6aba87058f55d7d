/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verb "dist build". */

#pragma once

#include "client/option.h"

extern const DistOption dist_build_options[];
int dist_verb_build(char **argv, GError **error);
