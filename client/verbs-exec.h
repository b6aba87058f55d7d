/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist exec". */

#pragma once

#include "client/option.h"

extern const DistOption dist_exec_options[];
int dist_verb_exec(char **argv, GError **error);
