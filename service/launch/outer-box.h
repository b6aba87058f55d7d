/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What root's processes beside a container give up: berth-launch's outer half, with the hooks and
 * plugins that it runs, and berth-checkpoint. They need the host's root for mounts, namespaces and
 * cgroups; they never need the machine's clock, modules, memory or next kernel. */

#pragma once

#include <stdint.h>

/* Drops the capabilities for those from the bounding set and from its own, but for kept (as bits),
 * which processes that are restored have. A failure ends the process. */
void berth_outer_box_drop(uint64_t kept);
/* Refuses their system calls as well, here and in all that is executed from here. */
void berth_outer_box_filter(void);
/* Both. */
void berth_outer_box_enter(void);
