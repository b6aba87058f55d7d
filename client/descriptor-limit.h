/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many descriptors the bus passes in one call. */

#pragma once

#include "client/bus.h"

/* Whether a call may have so many descriptors; LimitExceeded if the bus would not pass them on. For
 * calls whose number of descriptors is up to the user, before they are sent. */
bool dist_check_descriptors(unsigned count, GError **error);
