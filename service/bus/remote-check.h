/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The checks of members that ask a registry. Besides the operation itself they find out whether the
 * service's own credentials are used for it: root's calls have them, and those of others only by a
 * rule of polkit that looks for the detail credentials=service.
 */

#pragma once

#include "bus/access.h"
#include "bus/service.h"

/* The reference, and the options about registries, of a call. */
typedef struct {
    const char *reference; /* with the registry; need not be among the details */
    int insecure;
    char **credentials; /* the caller's; NULL or empty for none */
} BerthRemoteQuestion;

/* Makes the check with the details, and with "credentials" and "insecure", which are not among
 * them; as berth_access_check. own: whether the service's credentials may be used. */
int berth_remote_check(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                       const char *check, const BerthRemoteQuestion *question, bool *own,
                       ...) G_GNUC_NULL_TERMINATED;
