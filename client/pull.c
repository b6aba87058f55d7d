/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pulls or resolves an image that another verb needs, run for example. The progress of a pull is
 * shown; the name is not printed, since standard output belongs to that verb. The platform is this
 * machine's, as for a container. */

#include "client/pull.h"

#include "client/bus.h"
#include "client/image-call.h"
#include "client/progress.h"

bool dist_pull(const char *name, bool insecure, GError **error) {
    const DistImageOptions options = {.insecure = insecure};

    return dist_finish_transfer(dist_image_call("Pull", NULL, name, &options, error), NULL, error);
}

char *dist_resolve(const char *name, GError **error) {
    const DistImageOptions options = {0};
    g_autoptr(sd_bus_message) reply = dist_image_call("Resolve", NULL, name, &options, error);
    const char *found, *type, *digest;
    uint64_t size;

    if (!reply)
        return NULL;
    int r = sd_bus_message_read(reply, "s(sst)", &found, &type, &digest, &size);
    return r < 0 ? (dist_bad_reply(r, error), NULL) : g_strdup(digest);
}
