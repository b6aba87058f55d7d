/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bind mounts of a caller's own configuration whose sources the caller gave as descriptors, in
 * Binds. */

#pragma once

#include "containers/spec/mounts.h"
#include "plan/plan.h"

/* For each mount of the plan the request for it, or NULL: the first bind mount of a request's
 * destination is meant. Requests stay the list's (NULL: there are none). */
GPtrArray *berth_spec_match_binds(const BerthPlan *plan, const GPtrArray *requests);

/* Whether there is a mount for each request; the error names the first without one. */
bool berth_spec_check_binds(const BerthPlan *plan, const GPtrArray *requests, GError **error);

/* Whether the mount needs no privilege with this request. */
bool berth_spec_is_owned(const BerthPlan *plan, const BerthPlanMount *mount,
                         const BerthMountRequest *request);

/* Gives the mounts of a whole configuration the sources of their requests. */
bool berth_spec_complete_binds(JsonObject *whole, const BerthPlan *plan, const GPtrArray *requests,
                               GError **error);
