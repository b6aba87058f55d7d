/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a container has changed, as lines: "A" for what is new, "C" for what was in its image, "D"
 * for what of that is gone. */

#pragma once

#include "plan/plan.h"

/* directory: the container's; snapshots: where its layers are. */
bool berth_changes_write(const BerthPlan *plan, int directory, int snapshots, int output,
                         GError **error);
