/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Limits of the container's cgroup that systemd has no property for. The launcher writes them once
 * the scope exists, to files that systemd does not touch.
 */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* cgroup is that of the scope, or -1 if there is no v2 hierarchy. Enables the controllers that are
 * needed. */
bool berth_cgroup_files_write(const BerthSetup *setup, int cgroup, BerthFault *fault);
