/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Containers that somebody makes to start them at once: when he leaves the bus before, they go. His
 * name is recorded until the start, so that a service that comes back knows. */

#include "base/log.h"
#include "containers/container-private.h"

#define CREATOR "Creator"

static const char *get_creator(const BerthContainer *container) {
    const char *name = NULL;

    if (container->record.extra)
        g_variant_lookup(container->record.extra, CREATOR, "&s", &name);
    return name;
}

static int on_left(sd_bus_track *track, void *userdata) {
    BerthContainer *container = userdata;

    (void)track;
    if (container->record.state == BERTH_CONTAINER_CREATED && !container->first->launch)
        berth_container_remove_soon(container);
    return 0;
}

void berth_provisional_note(GVariantDict *extra, const char *creator) {
    if (creator)
        g_variant_dict_insert(extra, CREATOR, "s", creator);
}

void berth_provisional_watch(BerthContainer *container) {
    const char *creator = get_creator(container);

    if (!creator || container->record.state != BERTH_CONTAINER_CREATED)
        return;
    int r = sd_bus_track_new(container->containers->bus, &container->creator, on_left, container);
    if (r >= 0)
        r = sd_bus_track_add_name(container->creator, creator);
    /* He may have left already. */
    if (r < 0)
        on_left(container->creator, container);
}

void berth_provisional_keep(BerthContainer *container) {
    container->creator = sd_bus_track_unref(container->creator);
    if (!get_creator(container))
        return;
    g_auto(GVariantDict) extra = G_VARIANT_DICT_INIT(container->record.extra);
    g_variant_dict_remove(&extra, CREATOR);
    g_variant_unref(container->record.extra);
    container->record.extra = g_variant_ref_sink(g_variant_dict_end(&extra));
}
