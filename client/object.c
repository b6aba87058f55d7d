/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fetches a single object from a registry, with the caller's credentials. The service replies
 * before the object has arrived; its bytes come through a pipe.
 */

#include "client/object.h"

#include "client/bus.h"
#include "client/credentials.h"

#include <fcntl.h>

sd_bus_message *dist_call_fetch_object(const char *reference, const char *object,
                                       char *const *media_types, bool insecure, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials = dist_find_credentials(reference, &local);
    sd_bus_message *call = local ? NULL : dist_new_call(&local, DIST_CONTENTS, "FetchObject");
    int r;

    /* Not having credentials is not an error: only local tells whether the search failed. */
    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    if ((r = sd_bus_message_append(call, "ss", reference, object)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = dist_append_strings(call, "MediaTypes", media_types)) < 0 ||
        (insecure && (r = sd_bus_message_append(call, "{sv}", "Insecure", "b", 1)) < 0) ||
        (r = dist_append_credentials(call, credentials)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), NULL;
    }
    return dist_send(call, error);
}

int dist_fetch_object(const char *reference, const char *object, bool insecure, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call_fetch_object(reference, object, NULL, insecure, error);
    int pipe;

    if (!reply)
        return -1;
    int r = sd_bus_message_read(reply, "h", &pipe);
    if (r < 0)
        return dist_bad_reply(r, error), -1;
    /* The reply closes its descriptor when it is freed. */
    return fcntl(pipe, F_DUPFD_CLOEXEC, 3);
}
