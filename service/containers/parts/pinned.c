/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The layers and blobs of images that a container mounts. The record names them; while the
 * container exists, its slot holds a set of pins, which keeps collection away. The one thing to
 * know: pins are in memory, and are set again before anything can be collected, when a container is
 * recovered.
 */

#include "containers/parts/pinned.h"

#include "containers/core/container.h"
#include "containers/core/table.h"

static void pinned_set(BerthContainer *container) {
    g_autoptr(GVariant) pinned = berth_container_record_get_extra(&container->record, BERTH_PINNED,
                                                                  G_VARIANT_TYPE_STRING_ARRAY);
    void **slot = berth_container_slot(container, &berth_pinned_part);

    if (!pinned || *slot)
        return;
    g_autofree const char **digests = g_variant_get_strv(pinned, NULL);
    BerthPins *pins = berth_pins_new(container->containers->images->contents);
    for (const char **digest = digests; *digest; digest++)
        berth_pins_add(pins, *digest);
    *slot = pins;
}

static void pinned_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    pinned_set(container);
}

static void pinned_freed(BerthContainer *container) {
    g_clear_pointer(berth_container_slot(container, &berth_pinned_part), berth_pins_free);
}

const BerthPart berth_pinned_part = {
    .name = "pinned",
    .created = pinned_set,
    .recovered = pinned_recovered,
    .freed = pinned_freed,
};
