/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks a registry for an image that another verb needs, for example run. The progress of a pull is
 * shown; the name is not printed, since standard output belongs to that verb. */

#include "client/pull.h"

#include "client/bus.h"
#include "client/credentials.h"
#include "client/progress.h"

/* The platform is this machine's, as for a container. NULL with error. */
static sd_bus_message *call_registry(const char *member, const char *name, bool insecure,
                                     GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials = dist_find_credentials(name, &local);
    g_autoptr(sd_bus_message) call = local ? NULL : dist_new_call(&local, DIST_IMAGES, member);
    int r;

    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    if ((r = sd_bus_message_append(call, "s", name)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (insecure && (r = sd_bus_message_append(call, "{sv}", "Insecure", "b", 1)) < 0) ||
        (r = dist_append_credentials(call, credentials)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return dist_bad_reply(r, error), NULL;
    return dist_send(g_steal_pointer(&call), error);
}

bool dist_pull(const char *name, bool insecure, GError **error) {
    return dist_finish_transfer(call_registry("Pull", name, insecure, error), NULL, error);
}

char *dist_resolve(const char *name, GError **error) {
    g_autoptr(sd_bus_message) reply = call_registry("Resolve", name, false, error);
    const char *found, *type, *digest;
    uint64_t size;

    if (!reply)
        return NULL;
    int r = sd_bus_message_read(reply, "s(sst)", &found, &type, &digest, &size);
    return r < 0 ? (dist_bad_reply(r, error), NULL) : g_strdup(digest);
}
