/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client/bus.h"

/* Parts of dist_create_options. */
extern const DistOption dist_run_process_options[], dist_run_startup_options[];

/* Appends the options of Create for them. */
int dist_run_process_append(sd_bus_message *call, GError **error);
