/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The check of the option Lease, which members that keep content under a lease have. */

#pragma once

#include "bus/access.h"
#include "bus/service.h"

/* Makes the check "lease" unless the lease is the caller's own or the name is empty (""). A caller
 * without the right gets the same error for another user's lease as for one that does not exist. */
int berth_lease_check(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                      const char *id);
