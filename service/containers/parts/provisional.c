/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Containers that a client creates to start them at once: if it leaves the bus before the first
 * start, they are removed. The client's unique name is recorded until then, so that a service that
 * was away still knows it.
 *
 * The part's slot is a Watch, from the creation or recovery until the first start. It asks for the
 * bus's signal about the name and then whether the name is there. The bus answers in this order, so
 * that a client that leaves in between is not missed; and nothing waits for the answers, as
 * sd_bus_track_add_name(3) would, with each start behind it.
 */

#include "containers/parts/provisional.h"

#include "containers/parts/remove.h"

#define CREATOR "Creator"

static GVariant *get_creator(const BerthContainer *container) {
    return berth_container_record_get_extra(&container->record, CREATOR, G_VARIANT_TYPE_STRING);
}

typedef struct {
    sd_bus_slot *signal, *question;
} Watch;

static void provisional_creator_left(BerthContainer *container) {
    if (container->record.state == BERTH_CONTAINER_CREATED &&
        !berth_container_is_starting(container))
        berth_container_remove_soon(container);
}

static int on_creator_left(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    (void)signal;
    (void)error;
    provisional_creator_left(userdata);
    return 0;
}

/* A bus that does not answer is no reason to remove the container. */
static int on_creator_known(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    int has_owner = 1;

    (void)error;
    if (!sd_bus_message_is_method_error(reply, NULL) &&
        sd_bus_message_read(reply, "b", &has_owner) >= 0 && !has_owner)
        provisional_creator_left(userdata);
    return 0;
}

void berth_provisional_note(GVariantDict *extra, const char *creator) {
    if (creator)
        g_variant_dict_insert(extra, CREATOR, "s", creator);
}

static void provisional_freed(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_provisional_part);
    Watch *watch = *slot;

    *slot = NULL;
    if (!watch)
        return;
    sd_bus_slot_unref(watch->signal);
    sd_bus_slot_unref(watch->question);
    g_free(watch);
}

/* Only a container that was never started depends on its creator. */
static void provisional_watch(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_provisional_part);
    g_autoptr(GVariant) creator = get_creator(container);
    sd_bus *bus = container->containers->bus;

    if (!creator || container->record.state != BERTH_CONTAINER_CREATED)
        return;
    const char *name = g_variant_get_string(creator, NULL);
    g_autofree char *match = g_strdup_printf("type='signal',sender='org.freedesktop.DBus',"
                                             "path='/org/freedesktop/DBus',"
                                             "interface='org.freedesktop.DBus',"
                                             "member='NameOwnerChanged',arg0='%s',arg2=''",
                                             name);
    Watch *watch = *slot = g_new0(Watch, 1);
    int r = sd_bus_add_match_async(bus, &watch->signal, match, on_creator_left, NULL, container);
    if (r >= 0)
        r = sd_bus_call_method_async(bus, &watch->question, "org.freedesktop.DBus",
                                     "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                     "NameHasOwner", on_creator_known, container, "s", name);
    if (r < 0)
        provisional_creator_left(container);
}

static void provisional_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    provisional_watch(container);
}

/* It stays from now on, even if its creator leaves the bus. */
static bool provisional_recording(BerthContainer *container, GError **error) {
    g_autoptr(GVariant) creator = get_creator(container);

    (void)error;
    provisional_freed(container);
    if (creator)
        berth_container_record_set_extra(&container->record, CREATOR, NULL);
    return true;
}

const BerthPart berth_provisional_part = {
    .name = "provisional",
    .created = provisional_watch,
    .recovered = provisional_recovered,
    .recording = provisional_recording,
    .freed = provisional_freed,
};
