/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The checks of members that query a registry. Besides authorising the operation itself, they
 * decide whether it uses the service's own credentials. Calls of root do; calls of others do so
 * only if a polkit rule looks for the detail credentials=service.
 */

#pragma once

#include "bus/access.h"
#include "bus/service.h"

/* The reference in a call, and the options about registries. */
typedef struct {
    const char *reference; /* including the registry; need not be among the details */
    int insecure;
    char **credentials; /* given by the caller; NULL or empty: none */
} BerthRemoteQuestion;

/* Makes the check with the given details plus "credentials" and "insecure", which must not be among
 * them. Returns like berth_access_check. *own is set to whether the service's credentials may be
 * used. */
int berth_remote_check(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                       const char *check, const BerthRemoteQuestion *question, bool *own,
                       ...) G_GNUC_NULL_TERMINATED;
