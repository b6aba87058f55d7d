/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The service's table of pods that have containers. The record of a container names its pod from
 * Create to Delete, and neither a pod nor a container in one can be renamed. Entries are therefore
 * added and removed together with the container.
 */

#include "containers/core/pod-index.h"

static void free_list(gpointer list) {
    g_ptr_array_unref(list);
}

GHashTable *berth_pod_index_new(void) {
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_list);
}

void berth_pod_index_add(BerthContainer *container) {
    GHashTable *index = container->containers->by_pod;
    g_autoptr(GVariant) value =
        berth_container_record_get_extra(&container->record, BERTH_POD, G_VARIANT_TYPE_STRING);

    if (!value)
        return;
    const char *pod = g_variant_get_string(value, NULL);
    GPtrArray *list = g_hash_table_lookup(index, pod);
    if (!list) {
        list = g_ptr_array_new();
        g_hash_table_insert(index, g_strdup(pod), list);
    }
    g_ptr_array_add(list, container);
}

void berth_pod_index_remove(BerthContainer *container) {
    GHashTable *index = container->containers->by_pod;
    g_autoptr(GVariant) value =
        berth_container_record_get_extra(&container->record, BERTH_POD, G_VARIANT_TYPE_STRING);
    const char *pod = value ? g_variant_get_string(value, NULL) : NULL;
    GPtrArray *list = pod ? g_hash_table_lookup(index, pod) : NULL;

    if (!list)
        return;
    g_ptr_array_remove_fast(list, container);
    if (list->len == 0)
        g_hash_table_remove(index, pod);
}

const GPtrArray *berth_pod_index_get(const BerthContainers *containers, const char *pod) {
    return g_hash_table_lookup(containers->by_pod, pod);
}
