/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Confines root's processes outside a container: berth-launch's outer half with the hooks and
 * plugins that it runs, and berth-checkpoint. They need the host's root for mounts, namespaces and
 * cgroups, but never the machine's clock, kernel modules, raw memory, kernel log or kexec.
 */

#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Drops the capabilities for those from the bounding set and all other sets, except kept (a bit
 * mask), which restored processes need. Exits on failure. */
void berth_outer_sandbox_drop(uint64_t kept);
/* Drops them all, and also denies their system calls to this process and its descendants. */
void berth_outer_sandbox_enter(void);
/* For a program that only reads, before it is executed: no capability, and where the kernel has
 * Landlock no file to write, no port to listen on and no signal to others. As root it would
 * otherwise own most of the machine's files. False with errno. */
bool berth_outer_sandbox_only_read(void);
