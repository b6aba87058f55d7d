/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The check of the option Lease. There is no state. The one thing to know: polkit is also asked
 * about a lease that does not exist, so that neither the reply nor the time that it takes reveals
 * whether there is one. See lease-check.h.
 */

#include "bus/lease-check.h"

#include "store/lease-store.h"

int berth_lease_check(BerthService *service, sd_bus_message *call, sd_bus_error *ret_error,
                      const char *id) {
    bool granted = false;
    uint32_t uid;
    int r = berth_access_get_uid(service->access, call, &uid);

    if (r != BERTH_ACCESS_GRANTED || id[0] == '\0')
        return r;
    g_autoptr(BerthLease) lease = berth_lease_store_get(service->database, id, NULL);
    if (lease && lease->owner == uid)
        return BERTH_ACCESS_GRANTED;
    g_autofree char *owner = lease ? g_strdup_printf("%u", lease->owner) : NULL;
    r = berth_access_query(service->access, call, &granted, "lease", "lease", id, "owner", owner,
                           NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    return lease && granted ? BERTH_ACCESS_GRANTED
                            : sd_bus_error_setf(ret_error, BERTH_ERROR_PREFIX "NotFound",
                                                "there is no lease \"%.100s\"", id);
}
