/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist network list" and "dist network inspect". */

#pragma once

#include "base/error.h"

int dist_network_list(char **argv, GError **error);
int dist_network_inspect(char **argv, GError **error);
