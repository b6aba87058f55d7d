/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Conditions of a rule. They are not in the runtime specification, but in the profiles of moby and
 * podman, and in ours. All of "includes" must hold, and none of "excludes":
 *
 *   "caps"       capabilities of the process, by name
 *   "arches"     this machine's architecture as Go names it ("amd64")
 *   "minKernel"  its kernel has this version or a later one ("4.8")
 */

#pragma once

#include "base/document.h"

/* capabilities is the bounding set. Returns false for conditions that cannot be understood:
 * applying a rule where its author did not intend it is worse than having no rule. */
bool berth_filter_check_conditions(json_object *rule, uint64_t capabilities, bool *applies,
                                   GError **error);
