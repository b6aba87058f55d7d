/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which options a bind mount of a caller's own file or directory may have without a privilege. */

#pragma once

#include "plan/plan.h"

/* For the options of Create's Binds. */
bool berth_owned_mount_allows_options(char *const *options);

/* For a mount of a caller's own configuration, which must have none of berthd's own options. */
bool berth_owned_mount_allows(const BerthPlanMount *mount);
