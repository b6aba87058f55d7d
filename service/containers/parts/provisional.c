/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Containers that a client creates to start them at once: if it leaves the bus before the first
 * start, they are removed. The client's unique name is recorded until then, so that a service that
 * was away still knows it. */

#include "containers/parts/provisional.h"

#include "containers/parts/remove.h"

#define CREATOR "Creator"

static GVariant *get_creator(const BerthContainer *container) {
    return berth_container_record_get_extra(&container->record, CREATOR, G_VARIANT_TYPE_STRING);
}

static int on_creator_left(sd_bus_track *track, void *userdata) {
    BerthContainer *container = userdata;

    (void)track;
    if (container->record.state == BERTH_CONTAINER_CREATED &&
        !berth_container_is_starting(container))
        berth_container_remove_soon(container);
    /* After 0 sd-bus calls this again and again, before it looks at any message. */
    return 1;
}

void berth_provisional_note(GVariantDict *extra, const char *creator) {
    if (creator)
        g_variant_dict_insert(extra, CREATOR, "s", creator);
}

static void provisional_freed(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_provisional_part);

    *slot = sd_bus_track_unref(*slot);
}

/* Only a container that was never started depends on its creator. */
static void provisional_watch(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_provisional_part);
    g_autoptr(GVariant) creator = get_creator(container);
    sd_bus_track *track = NULL;

    if (!creator || container->record.state != BERTH_CONTAINER_CREATED)
        return;
    int r = sd_bus_track_new(container->containers->bus, &track, on_creator_left, container);
    *slot = track;
    if (r >= 0)
        r = sd_bus_track_add_name(track, g_variant_get_string(creator, NULL));
    /* The client may have left already. */
    if (r < 0)
        on_creator_left(track, container);
}

static void provisional_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    provisional_watch(container);
}

/* It stays from now on, whoever leaves. */
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
