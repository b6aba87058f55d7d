/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the values of those scope properties that Create and Update accept. There is no state; the
 * names and types are in containers/spec/properties.c.
 */

#include "bus/container-property.h"

#include <errno.h>

/* Limits on the bytes of a processor mask, and on the number of devices with individual limits. */
enum { MAX_BYTES = 1024, MAX_PAIRS = 64 };

static int property_read_pairs(sd_bus_message *call, GVariantBuilder *list) {
    const char *path;
    uint64_t value;
    int r = sd_bus_message_enter_container(call, 'a', "(st)");

    for (size_t i = 0; r >= 0 && (r = sd_bus_message_read(call, "(st)", &path, &value)) > 0; i++) {
        if (i == MAX_PAIRS)
            return -E2BIG;
        g_variant_builder_add(list, "(st)", path, (guint64)value);
    }
    return r < 0 ? r : sd_bus_message_exit_container(call);
}

/* The branches are the types of berth_container_property_get_type(); the last one is a(st). The
 * size of a value is checked here, since its type does not limit it. */
int berth_container_property_read(sd_bus_message *call, const char *type, GVariant **value) {
    const void *bytes;
    const char *text;
    uint64_t number;
    size_t size;
    int r = sd_bus_message_enter_container(call, 'v', type);

    if (r < 0)
        return r;
    if (g_str_equal(type, "t")) {
        if ((r = sd_bus_message_read(call, "t", &number)) >= 0)
            *value = g_variant_new_uint64(number);
    } else if (g_str_equal(type, "s")) {
        if ((r = sd_bus_message_read(call, "s", &text)) >= 0)
            *value = g_variant_new_string(text);
    } else if (g_str_equal(type, "ay")) {
        if ((r = sd_bus_message_read_array(call, 'y', &bytes, &size)) >= 0 && size > MAX_BYTES)
            r = -E2BIG;
        if (r >= 0)
            *value = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1);
    } else {
        g_auto(GVariantBuilder) list = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(st)"));
        if ((r = property_read_pairs(call, &list)) >= 0)
            *value = g_variant_builder_end(&list);
    }
    return r < 0 ? r : sd_bus_message_exit_container(call);
}
