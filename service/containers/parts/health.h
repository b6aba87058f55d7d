/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Health checks of running containers. */
extern const BerthPart berth_health_part;

/* "starting", "healthy" or "unhealthy" for a running container with a check; "" otherwise. */
const char *berth_container_get_health(const BerthContainer *container);
