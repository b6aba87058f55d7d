/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* New limits of a container, as properties of systemd. */

#pragma once

#include "options.h"
#include "plan/plan.h"

/* linux.resources of the options or of their file, with what is 0 left out. NULL with error. */
JsonObject *runtime_update_read(const RuntimeOptions *options, GError **error);
/* A plan with nothing but these resources. NULL with error. */
BerthPlan *runtime_update_make_plan(JsonObject *resources, GError **error);
