/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist auto-update, a verb of the group of units. */

#pragma once

#include "client/verb.h"

extern const DistOption dist_auto_update_options[];

int dist_verb_auto_update(char **argv, GError **error);
