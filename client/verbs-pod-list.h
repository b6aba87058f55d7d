/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist pod list" and "dist pod inspect". */

#pragma once

#include "client/option.h"

extern const DistOption dist_pod_list_options[];
int dist_pod_list(char **argv, GError **error);
int dist_pod_inspect(char **argv, GError **error);
