/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist wait". */

#pragma once

#include "client/option.h"

extern const DistOption dist_wait_options[];

int dist_verb_wait(char **argv, GError **error);
