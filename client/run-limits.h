/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Options of create and run that limit the container's process and its time. */

#pragma once

#include "client/bus.h"

/* Included in dist_create_options. */
extern const DistOption dist_run_limit_options[];

/* Appends them as options of Create. */
int dist_run_limits_append(sd_bus_message *call, GError **error);
