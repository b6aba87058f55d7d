/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist logs". */

#pragma once

#include "client/option.h"

extern const DistOption dist_logs_options[];
int dist_verb_logs(char **argv, GError **error);
