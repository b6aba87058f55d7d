/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers containers as machines with systemd-machined: each one when it starts, and all running
 * ones whenever machined itself starts, which machinectl(1) triggers only on use. A machine that
 * machined already knows is left as it is, and machined forgets a machine when its leader exits.
 * There is no state per container.
 */

#include "containers/parts/machines.h"

#include "systemd/machine.h"

/* With nss-mymachines, the name of a machine is also a host name, which may take precedence over
 * all others. Therefore only root's containers are registered under their bare ids. */
static char *make_machine_name(const BerthContainerRecord *record) {
    return record->owner == 0
               ? g_strdup(record->id)
               : g_strdup_printf("%s.berth-user-%" G_GUINT32_FORMAT, record->id, record->owner);
}

/* The UUID is derived from the id and the time of creation, so it does not change. */
static void register_machine(BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;
    g_autofree char *seed =
        g_strdup_printf("%s %" G_GUINT64_FORMAT, record->id, (guint64)record->created_usec);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *name = make_machine_name(record);
    guint8 digest[32];
    gsize size = sizeof digest;

    g_checksum_update(checksum, (const guchar *)seed, -1);
    g_checksum_get_digest(checksum, digest, &size);
    /* RFC 9562: version 8, vendor-specific. */
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
            register_machine(container);
}

static bool machines_opened(BerthContainers *containers, GError **error) {
    sd_bus_slot *watch = NULL;

    if (!berth_machined_watch(containers->bus, &watch, on_machined, containers, error))
        return false;
    *berth_containers_slot(containers, &berth_machines_part) = watch;
    return true;
}

static void machines_closed(BerthContainers *containers) {
    sd_bus_slot_unref(*berth_containers_slot(containers, &berth_machines_part));
}

static void machines_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    if (berth_container_is_running(container))
        register_machine(container);
}

const BerthPart berth_machines_part = {
    .name = "machines",
    .opened = machines_opened,
    .closed = machines_closed,
    .recovered = machines_recovered,
    .started = register_machine,
};
