/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Bind mounts in a caller's own configuration whose sources the caller passed as descriptors, in
 * Binds.
 */

#pragma once

#include "containers/spec/mounts.h"
#include "plan/plan.h"

/* For each mount of the plan the matching request, or NULL. A request matches the first bind mount
 * with its destination. The list keeps ownership of the requests; it may be NULL. */
GPtrArray *berth_spec_match_binds(const BerthPlan *plan, const GPtrArray *requests);

/* Checks that there is a mount for each request. The error names the first request without one. */
bool berth_spec_check_binds(const BerthPlan *plan, const GPtrArray *requests, GError **error);

/* Returns true if this request makes the mount possible without a privilege. */
bool berth_spec_is_owned(const BerthPlan *plan, const BerthPlanMount *mount,
                         const BerthMountRequest *request);

/* Sets the sources of the mounts in a complete configuration to those of their requests. */
bool berth_spec_complete_binds(json_object *whole, const BerthPlan *plan, const GPtrArray *requests,
                               GError **error);
