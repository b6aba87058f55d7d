/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of the service's own records of pending starts, changes and removals. When the service
 * ends, the objects they wait for are freed without calling back, so the table frees the
 * records.
 */

#include "containers/core/unfinished.h"

void berth_unfinished_add(BerthContainers *containers, gpointer object, GDestroyNotify free) {
    if (!containers->unfinished)
        containers->unfinished = g_hash_table_new(NULL, NULL);
    g_hash_table_insert(containers->unfinished, object, (gpointer)free);
}

void berth_unfinished_take(BerthContainers *containers, gpointer object) {
    g_hash_table_remove(containers->unfinished, object);
}

void berth_unfinished_free(BerthContainers *containers) {
    GHashTableIter iterator;
    gpointer object, value;

    if (!containers->unfinished)
        return;
    g_hash_table_iter_init(&iterator, containers->unfinished);
    while (g_hash_table_iter_next(&iterator, &object, &value)) {
        GDestroyNotify free_object = (GDestroyNotify)value;
        free_object(object);
    }
    g_clear_pointer(&containers->unfinished, g_hash_table_unref);
}
