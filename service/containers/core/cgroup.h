/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a container's processes are: in a scope of systemd's, berth-ID.scope, or in the cgroup
 * berth-ID below its caller's (Create's option Cgroup). The rest of the core does not distinguish
 * the two. */

#pragma once

#include "containers/core/object.h"

/* Makes its cgroup, and returns a descriptor for the launch; -1 without an error if systemd makes
 * it, as a scope. */
int berth_container_make_cgroup(const BerthContainer *container, GError **error);

/* Nothing of it runs any more: ends the scope, or removes the cgroup. */
void berth_container_leave_cgroup(BerthContainer *container);

/* Signals all of its processes. */
void berth_container_signal_all(const BerthContainer *container, int signal);
