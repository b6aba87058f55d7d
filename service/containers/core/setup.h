/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The set-up that a launcher is handed (bare/setup.h), of a configuration that berthd wrote. */

#pragma once

#include "plan/plan.h"

/* Of a plan, for the container with this id. A sealed file in memory; -1 with error. */
int berth_container_setup_make(const char *id, const BerthPlan *plan, GError **error);

/* Of config.json in the container's directory. */
int berth_container_setup_open(int directory, const char *id, GError **error);
