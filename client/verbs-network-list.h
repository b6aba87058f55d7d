/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist network list" and "dist network inspect". */

#pragma once

#include "client/option.h"

extern const DistOption dist_network_list_options[];
int dist_network_list(char **argv, GError **error);
int dist_network_inspect(char **argv, GError **error);
