/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist transfers" and "dist cancel". */

#pragma once

#include "client/option.h"

extern const DistOption dist_transfers_options[];
int dist_verb_transfers(char **argv, GError **error);
int dist_verb_cancel(char **argv, GError **error);
