/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of a process (setrlimit(2)) in the form of Create's option: "NOFILE" and "SOFT[:HARD]". */

#pragma once

#include "base/error.h"

#include <json-c/json.h>

/* limits is a list of name, value…; NULL for none. */
bool berth_resource_limits_check(char *const *limits, GError **error);
/* Adds the names (RLIMIT_NAME) of limits above the service's own, which are a container's
 * default. */
void berth_resource_limits_add_privileges(GPtrArray *names, char *const *limits);
/* Returns true if a limit is above the service's own. */
bool berth_resource_limit_is_raised(int resource, uint64_t hard);
/* Adds "rlimits" to "process" of the configuration: the defaults, overridden by these limits. */
void berth_resource_limits_add(json_object *process, char *const *limits);
