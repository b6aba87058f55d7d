/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/object.h"

/* Records that a running container was frozen or thawed from outside, or while the service was
 * away, between a request to pause or resume it and systemd's reply. */
void berth_container_update_paused(BerthContainer *container);
