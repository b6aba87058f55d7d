/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Containers that a client creates in order to start them right away. If the client disconnects
 * from the bus before the first start, they are removed. Its unique name is recorded until then, so
 * that it is still known after a restart of the service, and with it the boot: after another one,
 * the bus gives the same names to other clients.
 *
 * The part's slot on the service is a table of the containers that depend on their creator, from
 * creation or recovery until the first start; the slot on a container is its Watch. A single match,
 * added before any container is known, reports every name that leaves the bus. One match per
 * container would reach the bus's limit (max_match_rules_per_connection in dbus-daemon(1)). The bus
 * is then asked whether the name still exists. The bus handles both in this order, so a client that
 * disconnects in between is not missed. Nothing waits for the replies, whereas
 * sd_bus_track_add_name(3) would block, and delay every start.
 */

#include "containers/parts/provisional.h"

#include "base/bus-error.h"
#include "containers/parts/remove.h"

#include <systemd/sd-id128.h>

#define CREATOR "Creator"
#define CREATOR_BOOT "CreatorBoot"

static GVariant *get_creator(const BerthContainer *container) {
    return berth_container_record_get_extra(&container->record, CREATOR, G_VARIANT_TYPE_STRING);
}

typedef struct {
    sd_bus_slot *signal;
    GHashTable *depending; /* BerthContainer → its Watch */
} Provisional;

typedef struct {
    char *creator;
    sd_bus_slot *question;
} Watch;

static Provisional *get_provisional(const BerthContainers *containers) {
    return *berth_containers_slot(containers, &berth_provisional_part);
}

static void provisional_creator_left(BerthContainer *container) {
    if (container->record.state == BERTH_CONTAINER_CREATED &&
        !berth_container_is_starting(container))
        berth_container_remove_soon(container);
}

/* If the bus does not answer, the container is kept. */
static int on_creator_known(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    int has_owner = 1;

    (void)error;
    if (!sd_bus_message_is_method_error(reply, NULL) &&
        sd_bus_message_read(reply, "b", &has_owner) >= 0 && !has_owner)
        provisional_creator_left(userdata);
    return 0;
}

void berth_provisional_store_creator(GVariantDict *extra, const char *creator) {
    sd_id128_t boot;
    char text[SD_ID128_STRING_MAX];

    if (!creator)
        return;
    g_variant_dict_insert(extra, CREATOR, "s", creator);
    if (sd_id128_get_boot(&boot) >= 0)
        g_variant_dict_insert(extra, CREATOR_BOOT, "s", sd_id128_to_string(boot, text));
}

/* Earlier versions recorded no boot. */
static bool is_of_another_boot(const BerthContainer *container) {
    g_autoptr(GVariant) boot =
        berth_container_record_get_extra(&container->record, CREATOR_BOOT, G_VARIANT_TYPE_STRING);

    return boot && !g_str_equal(g_variant_get_string(boot, NULL), container->containers->boot);
}

static GPtrArray *list_created_by(Provisional *provisional, const char *creator) {
    GPtrArray *created = g_ptr_array_new();
    GHashTableIter iterator;
    gpointer container, watch;

    g_hash_table_iter_init(&iterator, provisional->depending);
    while (g_hash_table_iter_next(&iterator, &container, &watch))
        if (g_str_equal(((const Watch *)watch)->creator, creator))
            g_ptr_array_add(created, container);
    return created;
}

/* Also called when a well-known name loses its owner; no container has such a creator. */
static int on_name_left(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    Provisional *provisional = userdata;
    const char *name;

    (void)error;
    if (sd_bus_message_read(signal, "s", &name) < 0)
        return 0;
    /* A list, since a removal takes its container out of the table. */
    g_autoptr(GPtrArray) created = list_created_by(provisional, name);
    for (guint i = 0; i < created->len; i++)
        if (g_hash_table_contains(provisional->depending, created->pdata[i]))
            provisional_creator_left(created->pdata[i]);
    return 0;
}

static bool provisional_opened(BerthContainers *containers, GError **error) {
    Provisional *provisional = g_new0(Provisional, 1);

    provisional->depending = g_hash_table_new(NULL, NULL);
    *berth_containers_slot(containers, &berth_provisional_part) = provisional;
    int r = sd_bus_add_match_async(containers->bus, &provisional->signal,
                                   "type='signal',sender='org.freedesktop.DBus',"
                                   "path='/org/freedesktop/DBus',"
                                   "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                                   "arg2=''",
                                   on_name_left, NULL, provisional);
    return r >= 0 || berth_error_set_errno(error, r, "watch the bus");
}

static void provisional_closed(BerthContainers *containers) {
    Provisional *provisional = get_provisional(containers);

    if (!provisional)
        return;
    sd_bus_slot_unref(provisional->signal);
    g_hash_table_unref(provisional->depending);
    g_free(provisional);
}

static void provisional_freed(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_provisional_part);
    Watch *watch = *slot;

    *slot = NULL;
    if (!watch)
        return;
    g_hash_table_remove(get_provisional(container->containers)->depending, container);
    sd_bus_slot_unref(watch->question);
    g_free(watch->creator);
    g_free(watch);
}

/* Only a container that has never been started depends on its creator. */
static void provisional_watch(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_provisional_part);
    g_autoptr(GVariant) creator = get_creator(container);

    if (!creator || container->record.state != BERTH_CONTAINER_CREATED)
        return;
    if (is_of_another_boot(container)) {
        provisional_creator_left(container);
        return;
    }
    Watch *watch = *slot = g_new0(Watch, 1);
    watch->creator = g_variant_dup_string(creator, NULL);
    g_hash_table_insert(get_provisional(container->containers)->depending, container, watch);
    int r = sd_bus_call_method_async(container->containers->bus, &watch->question,
                                     "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "NameHasOwner", on_creator_known,
                                     container, "s", watch->creator);
    if (r < 0)
        provisional_creator_left(container);
}

static void provisional_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    provisional_watch(container);
}

/* From now on the container stays, even if its creator disconnects. */
static bool provisional_recording(BerthContainer *container, GError **error) {
    g_autoptr(GVariant) creator = get_creator(container);

    (void)error;
    provisional_freed(container);
    if (creator) {
        berth_container_record_set_extra(&container->record, CREATOR, NULL);
        berth_container_record_set_extra(&container->record, CREATOR_BOOT, NULL);
    }
    return true;
}

const BerthPart berth_provisional_part = {
    .name = "provisional",
    .opened = provisional_opened,
    .closed = provisional_closed,
    .created = provisional_watch,
    .recovered = provisional_recovered,
    .recording = provisional_recording,
    .freed = provisional_freed,
};
