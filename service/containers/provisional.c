/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Containers that somebody makes to start them at once: when he leaves the bus before, they go. His
 * name is recorded until the start, so that a service that comes back knows. */

#include "base/log.h"
#include "containers/container-private.h"

#define CREATOR "Creator"

static GVariant *get_creator(const BerthContainer *container) {
    return berth_container_record_get_extra(&container->record, CREATOR, G_VARIANT_TYPE_STRING);
}

static int on_left(sd_bus_track *track, void *userdata) {
    BerthContainer *container = userdata;

    (void)track;
    if (container->record.state == BERTH_CONTAINER_CREATED && !container->first->launch)
        berth_container_remove_soon(container);
    /* After 0 sd-bus calls this again and again, before it looks at any message. */
    return 1;
}

void berth_provisional_note(GVariantDict *extra, const char *creator) {
    if (creator)
        g_variant_dict_insert(extra, CREATOR, "s", creator);
}

void berth_provisional_watch(BerthContainer *container) {
    g_autoptr(GVariant) creator = get_creator(container);

    if (!creator || container->record.state != BERTH_CONTAINER_CREATED)
        return;
    int r = sd_bus_track_new(container->containers->bus, &container->creator, on_left, container);
    if (r >= 0)
        r = sd_bus_track_add_name(container->creator, g_variant_get_string(creator, NULL));
    /* He may have left already. */
    if (r < 0)
        on_left(container->creator, container);
}

void berth_provisional_keep(BerthContainer *container) {
    container->creator = sd_bus_track_unref(container->creator);
    g_autoptr(GVariant) creator = get_creator(container);
    if (creator)
        berth_container_record_set_extra(&container->record, CREATOR, NULL);
}
