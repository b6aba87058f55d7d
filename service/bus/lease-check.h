/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The option Lease of members that keep content under one. */

#pragma once

#include "bus/access.h"
#include "bus/service.h"

/* Makes the check "lease" unless the lease is the caller's own or none is named (""). Another
 * user's lease is not there, exactly as one that is not there. */
int berth_lease_check(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                      const char *id);
