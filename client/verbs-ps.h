/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist ps" and "dist info". */

#pragma once

#include "client/option.h"

extern const DistOption dist_ps_options[];
int dist_verb_ps(char **argv, GError **error);
int dist_verb_info(char **argv, GError **error);
