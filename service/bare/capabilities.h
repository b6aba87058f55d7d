/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Drops capabilities (capabilities(7)); sets are bit masks of 1 << CAP_…. Failures are false with
 * errno.
 */

#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Removes all capabilities except kept from the bounding set, for this process and the programs
 * that it executes. */
bool berth_capabilities_bound(uint64_t kept);

/* The permitted capabilities of this process, as a bit mask; none if they cannot be read. */
uint64_t berth_capabilities_get_permitted(void);

/* Sets the three sets of this process. */
bool berth_capabilities_set(uint64_t permitted, uint64_t effective, uint64_t inheritable);

/* Sets the capabilities that survive an execve(2) by a user other than root; they must be permitted
 * and inheritable. */
bool berth_capabilities_set_ambient(uint64_t ambient);
