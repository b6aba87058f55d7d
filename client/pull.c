/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pulls an image that another verb needs, for example run. The progress is shown; the name is not
 * printed, since standard output belongs to that verb. */

#include "client/pull.h"

#include "client/bus.h"
#include "client/credentials.h"
#include "client/progress.h"

/* The platform is this machine's, as for a container. */
bool dist_pull(const char *name, bool insecure, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials = dist_find_credentials(name, &local);
    g_autoptr(sd_bus_message) call = local ? NULL : dist_new_call(&local, DIST_IMAGES, "Pull");
    int r;

    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if ((r = sd_bus_message_append(call, "s", name)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (insecure && (r = sd_bus_message_append(call, "{sv}", "Insecure", "b", 1)) < 0) ||
        (r = dist_append_credentials(call, credentials)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return dist_bad_reply(r, error);
    return dist_finish_transfer(dist_send(g_steal_pointer(&call), error), NULL, error);
}
