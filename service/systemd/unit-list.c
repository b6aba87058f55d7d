/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lists the units of systemd that match a pattern. A listing lives from the call to its reply, and
 * frees itself. If the call fails, the list is empty.
 */

#include "systemd/unit-list.h"

#include "systemd/manager.h"

#include <errno.h>

typedef struct {
    BerthUnitVisit seen;
    void *userdata;
} UnitListing;

/* Uses only the name, the first of ten fields of each unit. seen may already have been called for
 * some units when a malformed reply ends the listing. */
static int units_on_listed(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    g_autofree UnitListing *listing = userdata;
    const char *unit;
    int r = sd_bus_message_is_method_error(reply, NULL)
                ? -EIO
                : sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");

    (void)error;
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "ssssssouso")) > 0) {
        if ((r = sd_bus_message_read(reply, "s", &unit)) < 0 ||
            (r = sd_bus_message_skip(reply, "sssssouso")) < 0 ||
            (r = sd_bus_message_exit_container(reply)) < 0)
            break;
        listing->seen(unit, listing->userdata);
    }
    listing->seen(NULL, listing->userdata);
    return 0;
}

/* There is no slot to cancel it with: sd-bus owns the call, and its handler frees the listing. */
void berth_units_list(sd_bus *bus, const char *pattern, BerthUnitVisit seen, void *userdata) {
    UnitListing *listing = g_new0(UnitListing, 1);

    *listing = (UnitListing){seen, userdata};
    if (sd_bus_call_method_async(bus, NULL, BERTH_SYSTEMD, BERTH_SYSTEMD_PATH,
                                 BERTH_SYSTEMD_MANAGER, "ListUnitsByPatterns", units_on_listed,
                                 listing, "asas", 0, 1, pattern) >= 0)
        return;
    seen(NULL, userdata);
    g_free(listing);
}
