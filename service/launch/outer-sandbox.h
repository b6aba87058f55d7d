/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Confines root's processes outside of a container: the outer process of berth-launch, with the
 * hooks and plugins that it runs, and berth-checkpoint. They need the host's root for mounts,
 * namespaces and cgroups, but never the machine's clock, kernel modules, raw memory, kernel log or
 * kexec.
 */

#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Drops the capabilities for those things from the bounding set and all other sets, except those in
 * kept (a bit mask), which restored processes need. Exits on failure. */
void berth_outer_sandbox_drop(uint64_t kept);
/* Drops all of them, and also denies the corresponding system calls to this process and its
 * descendants. */
void berth_outer_sandbox_enter(void);
/* Called before executing a program that only reads: no capabilities and, if the kernel supports
 * Landlock, no writable files, no ports to listen on and no signals to other processes. As root,
 * the program would otherwise own most of the machine's files. Returns false with errno. */
bool berth_outer_sandbox_only_read(void);
