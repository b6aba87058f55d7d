/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Giving up capabilities (capabilities(7)); sets are bits, 1 << CAP_…. */

#pragma once

#include "base/error.h"

/* All but kept leave the bounding set, for this process and what it executes. */
bool berth_capabilities_bound(uint64_t kept, GError **error);

/* Sets the permitted and effective sets; nothing is inheritable. */
bool berth_capabilities_set(uint64_t permitted, uint64_t effective, GError **error);
