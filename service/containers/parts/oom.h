/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Reports what the out-of-memory killer does in a running container, as an event. */
extern const BerthPart berth_oom_part;

/* Whether the out-of-memory killer has killed a process of the container in its current or last
 * run. */
bool berth_container_was_oom_killed(const BerthContainer *container);
