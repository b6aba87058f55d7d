/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of a process (setrlimit(2)), as Create takes them: "NOFILE" is "SOFT[:HARD]". */

#pragma once

#include "base/error.h"

#include <json-glib/json-glib.h>

/* limits: name, value, …; NULL for none. */
bool berth_resource_limits_check(char *const *limits, GError **error);
/* The names, as RLIMIT_NAME, of those above the service's own, which a container has by default. */
void berth_resource_limits_add_privileges(GPtrArray *names, char *const *limits);
/* Whether a limit is above the service's own. */
bool berth_resource_limit_is_raised(int resource, uint64_t hard);
/* "rlimits" of the configuration: the defaults, and these instead. */
void berth_resource_limits_add(JsonBuilder *builder, char *const *limits);
