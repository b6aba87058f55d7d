/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Conditions of a rule, which the runtime specification does not have: the profiles that moby and
 * podman come with do, and so has ours. "includes" must all hold, none of "excludes" may:
 *
 *   "caps"       capabilities of the process, by name
 *   "arches"     this machine's architecture as Go names it ("amd64")
 *   "minKernel"  its kernel is of this version or later ("4.8")
 */

#pragma once

#include "base/document.h"

/* capabilities: the bounding set. False for what cannot be understood: a rule that would apply
 * where its author did not mean it to is worse than none. */
bool berth_filter_check_conditions(JsonObject *rule, uint64_t capabilities, bool *applies,
                                   GError **error);
