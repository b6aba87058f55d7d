/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What containers and volumes of users take on disk, for Disk= of berth.conf: a worker walks one
 * tree after the other, when a container has ended and every few minutes while it runs. Between two
 * walks the last one counts. Without a limit nothing is walked. Owned by BerthContainers.
 */

#include "base/fd.h"
#include "base/log.h"
#include "containers/container-private.h"
#include "containers/volumes.h"
#include "store/disk-usage.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <errno.h>

#define FIRST_USEC (2 * G_USEC_PER_SEC)
#define INTERVAL_USEC (300 * G_USEC_PER_SEC)

typedef struct {
    BerthDiskKind kind;
    char *name;
} Tree;

struct BerthDisk {
    BerthContainers *containers;
    GQueue waiting; /* of Tree; none twice */
    Tree *current;  /* that the worker walks; NULL: none */
    BerthWorker *worker;
    sd_event_source *timer;
};

static void disk_measure_next(BerthDisk *disk);

static void free_tree(gpointer data) {
    Tree *tree = data;

    g_free(tree->name);
    g_free(tree);
}

static int compare_trees(gconstpointer a, gconstpointer b) {
    const Tree *one = a, *other = b;

    return one->kind == other->kind && g_str_equal(one->name, other->name) ? 0 : 1;
}

static bool is_limited(void) {
    return berth_charge_get_limit(BERTH_RESOURCE_DISK) != UINT64_MAX;
}

static void disk_add_tree(BerthDisk *disk, BerthDiskKind kind, const char *name) {
    const Tree like = {kind, (char *)name};

    if (g_queue_find_custom(&disk->waiting, &like, compare_trees))
        return;
    Tree *tree = g_new(Tree, 1);
    *tree = (Tree){kind, g_strdup(name)};
    g_queue_push_tail(&disk->waiting, tree);
}

/* What a walk has not seen to its end is no less than before. */
static void disk_record(BerthDisk *disk, const Tree *tree, uint64_t bytes, bool is_complete) {
    BerthDatabase *database = disk->containers->database;
    uint64_t before = 0;
    uint32_t owner;
    bool is_there = tree->kind == BERTH_DISK_CONTAINER
                        ? g_hash_table_contains(disk->containers->by_id, tree->name)
                        : berth_volume_get_owner(disk->containers, tree->name, &owner, NULL);

    if (!is_there)
        return;
    if (!is_complete && berth_disk_usage_get(database, tree->kind, tree->name, &before))
        bytes = MAX(bytes, before);
    berth_disk_usage_set(database, tree->kind, tree->name, bytes, NULL);
}

static void on_measured(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthDisk *disk = userdata;
    g_autoptr(GError) local = NULL;
    uint64_t bytes;
    bool is_complete;

    if (error)
        berth_log_warning(NULL, NULL, "Cannot measure %s: %s", disk->current->name, error->message);
    else if (!berth_reply_read_measured(reply, &bytes, &is_complete, &local))
        berth_log_warning(NULL, NULL, "Cannot measure %s: %s", disk->current->name, local->message);
    else
        disk_record(disk, disk->current, bytes, is_complete);
    g_clear_pointer(&disk->worker, berth_worker_free);
    g_clear_pointer(&disk->current, free_tree);
    disk_measure_next(disk);
}

static void disk_measure_next(BerthDisk *disk) {
    while (!disk->current && (disk->current = g_queue_pop_head(&disk->waiting))) {
        g_autoptr(GError) error = NULL;
        int above = disk->current->kind == BERTH_DISK_CONTAINER ? disk->containers->directory
                                                                : disk->containers->volumes;
        berth_autofd int top =
            openat(above, disk->current->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* It may be gone by now. */
        disk->worker =
            top < 0 ? NULL : berth_worker_new(disk->containers->event, "unpack", top, &error);
        if (disk->worker)
            berth_call_unpack_measure(disk->worker, on_measured, disk);
        else
            g_clear_pointer(&disk->current, free_tree);
    }
}

void berth_disk_measure(BerthContainer *container) {
    BerthDisk *disk = container->containers->disk;
    const BerthContainerRecord *record = &container->record;
    g_autoptr(GVariant) value =
        berth_container_record_get_extra(record, "Volumes", G_VARIANT_TYPE_STRING_ARRAY);
    g_autofree const char **volumes = value ? g_variant_get_strv(value, NULL) : NULL;
    uint32_t owner;

    if (!is_limited())
        return;
    if (record->owner != 0)
        disk_add_tree(disk, BERTH_DISK_CONTAINER, record->id);
    for (const char **volume = volumes; volume && *volume; volume++)
        if (berth_volume_get_owner(container->containers, *volume, &owner, NULL) && owner != 0)
            disk_add_tree(disk, BERTH_DISK_VOLUME, *volume);
    disk_measure_next(disk);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthDisk *disk = userdata;
    GHashTableIter iterator;
    gpointer value;
    uint64_t bytes;

    (void)usec;
    g_hash_table_iter_init(&iterator, disk->containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        BerthContainer *container = value;
        /* Also what was there before there was a limit. */
        if (berth_container_is_running(container) ||
            !berth_disk_usage_get(disk->containers->database, BERTH_DISK_CONTAINER,
                                  container->record.id, &bytes))
            berth_disk_measure(container);
    }
    sd_event_source_set_time_relative(source, INTERVAL_USEC);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

bool berth_disk_check(BerthContainers *containers, uint32_t owner, GError **error) {
    BerthContents *contents = containers->images->contents;
    uint64_t left;

    return berth_content_store_check_disk(berth_contents_get_store(contents), "", owner, 0, &left,
                                          error);
}

bool berth_disk_is_busy(const BerthDisk *disk) {
    return disk->current != NULL;
}

BerthDisk *berth_disk_new(BerthContainers *containers) {
    BerthDisk *disk = g_new0(BerthDisk, 1);

    disk->containers = containers;
    g_queue_init(&disk->waiting);
    if (sd_event_add_time_relative(containers->event, &disk->timer, CLOCK_MONOTONIC, FIRST_USEC, 0,
                                   on_time, disk) < 0)
        g_error("out of memory");
    return disk;
}

void berth_disk_free(BerthDisk *disk) {
    if (!disk)
        return;
    sd_event_source_disable_unref(disk->timer);
    g_queue_clear_full(&disk->waiting, free_tree);
    g_clear_pointer(&disk->current, free_tree);
    berth_worker_free(disk->worker);
    g_free(disk);
}
