/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A table owned by the service that maps containers and images to the unique name of the connection
 * that created them. The key is a container ID, or an image's name and digest separated by a space.
 * See creators.h.
 */

#include "bus/creators.h"

/* A new container's entry replaces one with the same ID. Unique names are never reused on a bus, so
 * an entry cannot come to mean another connection. */
void berth_creators_add(BerthService *service, const char *id, sd_bus_message *call) {
    const char *sender = sd_bus_message_get_sender(call);

    if (sender)
        g_hash_table_insert(service->creators, g_strdup(id), g_strdup(sender));
}

bool berth_creators_is(BerthService *service, const char *id, sd_bus_message *call) {
    const char *creator = g_hash_table_lookup(service->creators, id);

    return creator && g_strcmp0(creator, sd_bus_message_get_sender(call)) == 0;
}

void berth_creators_add_image(BerthService *service, const char *name, const char *digest,
                              sd_bus_message *call) {
    g_autofree char *key = g_strconcat(name, " ", digest, NULL);

    berth_creators_add(service, key, call);
}

bool berth_creators_is_of_image(BerthService *service, const char *name, const char *digest,
                                sd_bus_message *call) {
    g_autofree char *key = g_strconcat(name, " ", digest, NULL);

    return berth_creators_is(service, key, call);
}

void berth_creators_forget(BerthService *service, const char *id) {
    g_hash_table_remove(service->creators, id);
}

static gboolean is_of_peer(gpointer id, gpointer creator, gpointer peer) {
    (void)id;
    return g_str_equal(creator, peer);
}

void berth_creators_forget_peer(BerthService *service, const char *peer) {
    g_hash_table_foreach_remove(service->creators, is_of_peer, (gpointer)peer);
}
