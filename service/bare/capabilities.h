/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Giving up capabilities (capabilities(7)); sets are bits, 1 << CAP_…. What fails
 * is false with errno. */

#pragma once

#include <stdbool.h>
#include <stdint.h>

/* All but kept leave the bounding set, for this process and what it executes. */
bool berth_capabilities_bound(uint64_t kept);

/* The permitted capabilities of this process, as bits; none if they cannot be read. */
uint64_t berth_capabilities_get_permitted(void);

/* Sets the three sets of a process. */
bool berth_capabilities_set(uint64_t permitted, uint64_t effective, uint64_t inheritable);

/* Those that survive an execve(2) by another user than root; they must be permitted and
 * inheritable. */
bool berth_capabilities_set_ambient(uint64_t ambient);
