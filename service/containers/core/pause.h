/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/object.h"

/* Called for a container that has been recovered. If the service died between a request to pause or
 * resume it and systemd's reply, its state is recorded now. */
void berth_container_recover_paused(BerthContainer *container);
