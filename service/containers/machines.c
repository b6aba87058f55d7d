/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Containers as systemd-machined's machines. It is told of one that starts, and of all that run
 * when it starts itself: machinectl brings it up only when somebody asks.
 */

#include "containers/container-private.h"
#include "systemd/machine.h"

/* With nss-mymachines a machine's name is the name of a host, which may come before all others:
 * only root's containers are called by their ids alone. */
static char *make_name(const BerthContainerRecord *record) {
    return record->owner == 0
               ? g_strdup(record->id)
               : g_strdup_printf("%s.berth-user-%" G_GUINT32_FORMAT, record->id, record->owner);
}

/* A number of its own that stays the same: of its id and when it was made. */
void berth_container_register_machine(BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;
    g_autofree char *seed =
        g_strdup_printf("%s %" G_GUINT64_FORMAT, record->id, (guint64)record->created_usec);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *name = make_name(record);
    guint8 digest[32];
    gsize size = sizeof digest;

    g_checksum_update(checksum, (const guchar *)seed, -1);
    g_checksum_get_digest(checksum, digest, &size);
    /* RFC 9562: version 8, of the maker's own form. */
    digest[6] = (guint8)((digest[6] & 0x0f) | 0x80);
    digest[8] = (guint8)((digest[8] & 0x3f) | 0x80);
    berth_machine_register(container->containers->bus, name, digest, record->first.pid,
                           record->root);
}

static void on_machined(void *userdata) {
    BerthContainers *containers = userdata;
    GHashTableIter iterator;
    gpointer container;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &container))
        if (berth_container_is_running(container))
            berth_container_register_machine(container);
}

bool berth_machines_watch(BerthContainers *containers, GError **error) {
    return berth_machined_watch(containers->bus, &containers->machined, on_machined, containers,
                                error);
}
