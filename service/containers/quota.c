/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The totals of an owner's containers, and whether one more fits within the limits. There is no
 * state here.
 */

#include "containers/quota.h"

#include "base/labels.h"
#include "containers/parts/disk-limit.h"

#include <string.h>
#include <sys/stat.h>

/* Covers only containers; the labels of leases count towards the same limit (bus/leases-bus.c). */
uint64_t berth_containers_sum_labels(BerthContainers *containers, uint32_t owner) {
    GHashTableIter iterator;
    uint64_t bytes = 0;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainerRecord *record = &((BerthContainer *)value)->record;
        if (record->owner == owner)
            bytes += berth_labels_measure(record->labels);
    }
    return bytes;
}

/* Containers that are being created are counted by their charges. */
BerthCharge *berth_containers_take_quota(BerthContainers *containers, uint32_t owner,
                                         GError **error) {
    GHashTableIter iterator;
    uint64_t count = 0;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        count += ((BerthContainer *)value)->record.owner == owner;
    return berth_charge_check(owner, BERTH_RESOURCE_CONTAINERS, count, 1, error) &&
                   berth_disk_check(containers, owner, error)
               ? berth_charge_new_forced(owner, BERTH_RESOURCE_CONTAINERS, 1)
               : NULL;
}

/* The size of an owner's configurations is the size of their files. */
bool berth_containers_check_bytes(BerthContainers *containers, uint32_t owner, const char *config,
                                  char *const *labels, GError **error) {
    GHashTableIter iterator;
    uint64_t bytes = 0;
    gpointer value;

    if (owner == 0)
        return true;
    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainerRecord *record = &((BerthContainer *)value)->record;
        g_autofree char *path = g_strconcat(record->id, "/config.json", NULL);
        struct stat status;
        if (record->owner == owner && fstatat(containers->directory, path, &status, 0) == 0)
            bytes += (uint64_t)status.st_size;
    }
    return berth_charge_check(owner, BERTH_RESOURCE_CONFIGURATIONS, bytes, strlen(config), error) &&
           berth_charge_check(owner, BERTH_RESOURCE_LABELS,
                              berth_containers_sum_labels(containers, owner),
                              berth_labels_measure(labels), error);
}
