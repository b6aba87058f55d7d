/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Converts properties of units, which Berth stores as GVariants, to message arguments, for calls to
 * systemd (org.freedesktop.systemd1(5)) and for Berth's own replies. sd-bus and GVariant have the
 * same types but different functions. There is no state here.
 */

#include "systemd/unit-properties.h"

#include <errno.h>
#include <stdbool.h>

/* The types are those of the properties that Berth sets on units. a(ss) and a(st) are lists by
 * path, such as DeviceAllow= and IOReadBandwidthMax=. Any other type is refused. */
int berth_unit_append_value(sd_bus_message *call, GVariant *value) {
    GVariantIter iterator;
    const char *path, *word;
    gsize size;
    guint64 number;
    int r;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64))
        return sd_bus_message_append(call, "v", "t", g_variant_get_uint64(value));
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return sd_bus_message_append(call, "v", "s", g_variant_get_string(value, NULL));
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING)) {
        gconstpointer bytes = g_variant_get_fixed_array(value, &size, 1);
        if ((r = sd_bus_message_open_container(call, 'v', "ay")) < 0 ||
            (r = sd_bus_message_append_array(call, 'y', bytes, size)) < 0)
            return r;
        return sd_bus_message_close_container(call);
    }
    bool pairs = g_variant_is_of_type(value, G_VARIANT_TYPE("a(ss)"));
    if (!pairs && !g_variant_is_of_type(value, G_VARIANT_TYPE("a(st)")))
        return -EINVAL;
    if ((r = sd_bus_message_open_container(call, 'v', pairs ? "a(ss)" : "a(st)")) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', pairs ? "(ss)" : "(st)")) < 0)
        return r;
    g_variant_iter_init(&iterator, value);
    while (r >= 0 && (pairs ? g_variant_iter_next(&iterator, "(&s&s)", &path, &word)
                            : g_variant_iter_next(&iterator, "(&st)", &path, &number)))
        r = pairs ? sd_bus_message_append(call, "(ss)", path, word)
                  : sd_bus_message_append(call, "(st)", path, number);
    if (r < 0 || (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* Appends a{sv} as elements of systemd's a(sv). */
int berth_unit_append_properties(sd_bus_message *call, GVariant *properties) {
    GVariantIter iterator;
    const char *name;
    GVariant *value;
    int r = 0;

    if (!properties)
        return 0;
    g_variant_iter_init(&iterator, properties);
    while (r >= 0 && g_variant_iter_next(&iterator, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) owned = value;
        if ((r = sd_bus_message_open_container(call, 'r', "sv")) < 0 ||
            (r = sd_bus_message_append(call, "s", name)) < 0 ||
            (r = berth_unit_append_value(call, owned)) < 0)
            return r;
        r = sd_bus_message_close_container(call);
    }
    return r;
}
