/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* New limits of a container, as systemd properties. */

#pragma once

#include "options.h"
#include "plan/plan.h"

/* linux.resources from the options or their file, without zero values. NULL with error. */
json_object *runtime_update_read(const RuntimeOptions *options, GError **error);
/* A plan that contains only these resources. NULL with error. */
BerthPlan *runtime_update_make_plan(json_object *resources, GError **error);
