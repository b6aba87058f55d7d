/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sizes of containers for "dist ps --size", from the disk usage of the store. No state. */

#include "client/container-sizes.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/listing.h"

static int sizes_append_options(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return sd_bus_message_append(call, "{sv}", "Measure", "b", 1);
}

static int sizes_read_item(sd_bus_message *reply, char **key, void *userdata) {
    const char *item, *kind = "", *name = "";
    uint64_t bytes = 0;
    const DistField fields[] = {
        {"Kind", "s", &kind}, {"Name", "s", &name}, {"Size", "t", &bytes}, {NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(reply, &item, fields);

    if (r <= 0)
        return r;
    if (g_str_equal(kind, "container")) {
        int64_t *size = g_new(int64_t, 1);
        *size = (int64_t)bytes;
        g_hash_table_insert(userdata, g_strdup(name), size);
    }
    *key = g_strdup(item);
    return 1;
}

GHashTable *dist_container_sizes_read(GError **error) {
    const DistListing usage = {DIST_CONTENTS, "Usage", .filter = sizes_append_options};
    g_autoptr(GHashTable) sizes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    return dist_list(&usage, sizes_read_item, sizes, error) ? g_steal_pointer(&sizes) : NULL;
}
