/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist resolve", "dist inspect" and "dist verify". */

#pragma once

#include "client/option.h"

extern const DistOption dist_inspect_options[];
extern const DistOption dist_resolve_options[]; /* shared by resolve and verify */
int dist_verb_inspect(char **argv, GError **error);
int dist_verb_resolve(char **argv, GError **error);
int dist_verb_verify(char **argv, GError **error);
