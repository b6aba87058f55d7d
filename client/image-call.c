/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls of the interface Images that take the options of pull, push, inspect and so on. Credentials
 * are sent with each call that leads to a registry, since the service stores none.
 */

#include "client/image-call.h"

#include "client/bus.h"
#include "client/credentials.h"

static int append_image_options(sd_bus_message *call, const DistImageOptions *options,
                                const BerthCredentials *credentials) {
    int r = sd_bus_message_open_container(call, 'a', "{sv}");

    if (r >= 0 && options->platform)
        r = sd_bus_message_append(call, "{sv}", "Platform", "s", options->platform);
    if (r >= 0 && options->all_platforms)
        r = sd_bus_message_append(call, "{sv}", "AllPlatforms", "b", 1);
    if (r >= 0 && options->insecure)
        r = sd_bus_message_append(call, "{sv}", "Insecure", "b", 1);
    if (r >= 0 && options->document)
        r = sd_bus_message_append(call, "{sv}", "Document", "s", options->document);
    if (r >= 0 && options->lease)
        r = sd_bus_message_append(call, "{sv}", "Lease", "s", options->lease);
    if (r < 0 || (r = dist_append_credentials(call, credentials)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

sd_bus_message *dist_image_call(const char *member, const char *name, const char *reference,
                                const DistImageOptions *options, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials =
        reference ? dist_find_credentials(reference, &local) : NULL;
    g_autoptr(sd_bus_message) call = local ? NULL : dist_new_call(&local, DIST_IMAGES, member);
    int r;

    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    if ((name && (r = sd_bus_message_append(call, "s", name)) < 0) ||
        (reference && (r = sd_bus_message_append(call, "s", reference)) < 0) ||
        (r = append_image_options(call, options, credentials)) < 0)
        return dist_bad_reply(r, error), NULL;
    return dist_send(g_steal_pointer(&call), error);
}
