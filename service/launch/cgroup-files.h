/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a configuration says of the container's cgroup that systemd has no property for: written by
 * the launcher, once the scope is there, to files that systemd does not touch. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* cgroup: that of the scope, or -1 if there is none of version 2. Enables controllers that are not
 * enabled yet. */
bool berth_cgroup_files_write(const BerthSetup *setup, int cgroup, BerthFault *fault);
