/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist update". */

#pragma once

#include "client/option.h"

extern const DistOption dist_update_options[];

int dist_verb_update(char **argv, GError **error);
