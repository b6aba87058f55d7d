/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the service answers is for every client: facts, in English. */

#include "client/service-errors.h"

bool dist_set_bus_error(GError **error, const sd_bus_error *reason, int errnum) {
    const char *text = reason->message ? reason->message : g_strerror(errnum);

    if (sd_bus_error_has_name(reason, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) ||
        sd_bus_error_has_name(reason, SD_BUS_ERROR_ACCESS_DENIED))
        return berth_error_set(error, BERTH_ERROR_ACCESS_DENIED, _("Permission denied: %s"), text);
    return berth_error_set(error, berth_error_from_bus_name(reason->name), "%s", text);
}
