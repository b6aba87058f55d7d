/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Readers for parts of "linux.resources" that are in separate source files. */

#pragma once

#include "plan/plan.h"

bool berth_plan_read_device_rules(BerthPlan *plan, json_object *resources, GError **error);
bool berth_plan_read_unified(BerthPlan *plan, json_object *resources, GError **error);
