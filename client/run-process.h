/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Options of create and run about the container's process and its startup check. */

#pragma once

#include "client/bus.h"

/* Included in dist_create_options. */
extern const DistOption dist_run_process_options[], dist_run_startup_options[];

/* Appends them as options of Create. */
int dist_run_process_append(sd_bus_message *call, GError **error);
