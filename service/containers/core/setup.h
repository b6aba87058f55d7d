/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The set-up that a launcher receives (bare/setup.h), compiled from a configuration that berthd
 * wrote.
 */

#pragma once

#include "plan/plan.h"

/* Compiles a plan for the container with this id. Returns a sealed file in memory, or -1 with
 * error. The caller owns it. */
int berth_container_setup_make(const char *id, const BerthPlan *plan, GError **error);

/* The same from config.json in the container's directory. */
int berth_container_setup_open(int directory, const char *id, GError **error);
