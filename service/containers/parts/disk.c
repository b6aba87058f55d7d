/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Measures the disk usage of users' containers and volumes, for Disk= in berth.conf. A worker walks
 * one tree after another: when a container has ended, and every few minutes while it runs. Between
 * two walks the last result counts. Without a limit nothing is walked unless a caller asks for
 * sizes. The service owns the queue of trees; while a tree is walked, an operation keeps the
 * service running. A walk has a time limit, since one that hangs would block all later ones.
 */

#include "containers/parts/disk.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/operation.h"
#include "containers/parts/disk-limit.h"
#include "containers/parts/volumes.h"
#include "store/disk-usage.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <errno.h>
#include <sys/stat.h>

#define FIRST_USEC (2 * G_USEC_PER_SEC)
#define INTERVAL_USEC (300 * G_USEC_PER_SEC)

typedef struct {
    BerthDiskKind kind;
    char *name;
} Tree;

typedef struct {
    BerthDiskMeasured done;
    void *userdata;
} DiskWaiter;

typedef struct {
    BerthContainers *containers;
    GQueue waiting;     /* of Tree, without duplicates */
    GPtrArray *waiters; /* of DiskWaiter, for the end of all walks */
    Tree *current;      /* the one that the worker walks; NULL if none */
    int top;            /* its directory, which is open until the walk has ended */
    BerthWorker *worker;
    BerthOperation *operation; /* set while it walks */
    sd_event_source *timeout;  /* of the current walk */
    sd_event_source *timer;
} Disk;

static void disk_measure_next(Disk *disk);

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

static void disk_add_tree(Disk *disk, BerthDiskKind kind, const char *name) {
    const Tree like = {kind, (char *)name};

    if (g_queue_find_custom(&disk->waiting, &like, compare_trees))
        return;
    Tree *tree = g_new(Tree, 1);
    *tree = (Tree){kind, g_strdup(name)};
    g_queue_push_tail(&disk->waiting, tree);
}

static int disk_open_tree(const Disk *disk, const Tree *tree) {
    int above = tree->kind == BERTH_DISK_CONTAINER ? disk->containers->directory
                                                   : berth_volumes_get_directory(disk->containers);

    return openat(above, tree->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Another container or volume, of another user perhaps, may have the name by now. The inode of a
 * directory that is open is not used again. */
static bool disk_is_current(const Disk *disk) {
    berth_autofd int top = disk_open_tree(disk, disk->current);
    struct stat now, then;

    return top >= 0 && fstat(top, &now) == 0 && fstat(disk->top, &then) == 0 &&
           now.st_dev == then.st_dev && now.st_ino == then.st_ino;
}

/* An incomplete walk yields a lower bound, which does not replace a larger result. Nothing is
 * recorded for a container or volume that was removed during the walk. */
static void disk_record(Disk *disk, uint64_t bytes, bool is_complete) {
    const Tree *tree = disk->current;
    BerthDatabase *database = disk->containers->database;
    uint64_t before = 0;
    uint32_t owner;
    bool is_there = tree->kind == BERTH_DISK_CONTAINER
                        ? g_hash_table_contains(disk->containers->by_id, tree->name)
                        : berth_volume_get_owner(disk->containers, tree->name, &owner, NULL);

    if (!is_there || !disk_is_current(disk))
        return;
    if (!is_complete && berth_disk_usage_get(database, tree->kind, tree->name, &before))
        bytes = MAX(bytes, before);
    berth_disk_usage_set(database, tree->kind, tree->name, bytes, NULL);
}

static void disk_end_walk(Disk *disk) {
    g_clear_pointer(&disk->worker, berth_worker_free);
    berth_fd_clear(&disk->top);
    g_clear_pointer(&disk->timeout, sd_event_source_disable_unref);
    g_clear_pointer(&disk->current, free_tree);
    g_clear_pointer(&disk->operation, berth_operation_abandon);
}

/* The tree is walked again at the next measurement. */
static int on_walk_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    Disk *disk = userdata;

    (void)source;
    (void)usec;
    berth_log_warning(NULL, NULL, "Cannot measure %s: it took too long", disk->current->name);
    disk_end_walk(disk);
    disk_measure_next(disk);
    return 0;
}

static void on_measured(sd_bus_message *reply, const GError *error, void *userdata) {
    Disk *disk = userdata;
    g_autoptr(GError) local = NULL;
    uint64_t bytes;
    bool is_complete;

    if (error)
        berth_log_warning(NULL, NULL, "Cannot measure %s: %s", disk->current->name, error->message);
    else if (!berth_reply_read_measured(reply, &bytes, &is_complete, &local))
        berth_log_warning(NULL, NULL, "Cannot measure %s: %s", disk->current->name, local->message);
    else
        disk_record(disk, bytes, is_complete);
    disk_end_walk(disk);
    disk_measure_next(disk);
}

/* The list is taken first, since a waiter may ask again. */
static void disk_answer_waiters(Disk *disk) {
    g_autoptr(GPtrArray) waiters = g_steal_pointer(&disk->waiters);

    disk->waiters = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < waiters->len; i++) {
        const DiskWaiter *waiter = waiters->pdata[i];
        waiter->done(waiter->userdata);
    }
}

/* One tree at a time: the next walk starts when the worker has answered for the last one. */
static void disk_measure_next(Disk *disk) {
    static const BerthOperationType type = {0};

    while (!disk->current && (disk->current = g_queue_pop_head(&disk->waiting))) {
        g_autoptr(GError) error = NULL;
        uint64_t seconds = disk->containers->images->remotes->settings->measure_timeout;
        disk->top = disk_open_tree(disk, disk->current);
        /* The tree may be gone by now. */
        disk->worker = disk->top < 0
                           ? NULL
                           : berth_worker_new(disk->containers->event, "unpack", disk->top, &error);
        if (!disk->worker ||
            sd_event_add_time_relative(disk->containers->event, &disk->timeout, CLOCK_MONOTONIC,
                                       seconds * G_USEC_PER_SEC, 0, on_walk_timeout, disk) < 0) {
            g_clear_pointer(&disk->worker, berth_worker_free);
            berth_fd_clear(&disk->top);
            g_clear_pointer(&disk->current, free_tree);
            continue;
        }
        /* Keeps the service running, which might otherwise exit idle and lose the result. */
        disk->operation = berth_operation_new(disk->containers->event, &type, disk);
        berth_call_unpack_measure(disk->worker, on_measured, disk);
    }
    if (!disk->current)
        disk_answer_waiters(disk);
}

static bool is_of(uint32_t owner, uint32_t wanted) {
    return wanted == UINT32_MAX || owner == wanted;
}

void berth_disk_measure(BerthContainers *containers, uint32_t owner, BerthDiskMeasured done,
                        void *userdata) {
    Disk *disk = *berth_containers_slot(containers, &berth_disk_part);
    g_autoptr(GPtrArray) volumes = berth_volumes_list(containers, NULL);
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainerRecord *record = &((BerthContainer *)value)->record;
        if (is_of(record->owner, owner))
            disk_add_tree(disk, BERTH_DISK_CONTAINER, record->id);
    }
    for (guint i = 0; volumes && i < volumes->len; i++) {
        const BerthVolume *volume = volumes->pdata[i];
        if (is_of(volume->owner, owner))
            disk_add_tree(disk, BERTH_DISK_VOLUME, volume->name);
    }
    DiskWaiter *waiter = g_new(DiskWaiter, 1);
    *waiter = (DiskWaiter){done, userdata};
    g_ptr_array_add(disk->waiters, waiter);
    disk_measure_next(disk);
}

static void free_disk_item(gpointer data) {
    BerthDiskItem *item = data;

    g_free(item->name);
    g_free(item);
}

/* A new container or volume that has never been measured is left out. */
static void disk_list_one(const BerthContainers *containers, BerthDiskKind kind, const char *name,
                          GPtrArray *list) {
    uint64_t bytes;

    if (!berth_disk_usage_get(containers->database, kind, name, &bytes))
        return;
    BerthDiskItem *item = g_new(BerthDiskItem, 1);
    *item = (BerthDiskItem){kind == BERTH_DISK_VOLUME, g_strdup(name), bytes};
    g_ptr_array_add(list, item);
}

GPtrArray *berth_disk_list(BerthContainers *containers, uint32_t owner, GError **error) {
    g_autoptr(GPtrArray) volumes = berth_volumes_list(containers, error);
    GPtrArray *list = volumes ? g_ptr_array_new_with_free_func(free_disk_item) : NULL;
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (list && g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainerRecord *record = &((BerthContainer *)value)->record;
        if (is_of(record->owner, owner))
            disk_list_one(containers, BERTH_DISK_CONTAINER, record->id, list);
    }
    for (guint i = 0; list && i < volumes->len; i++) {
        const BerthVolume *volume = volumes->pdata[i];
        if (is_of(volume->owner, owner))
            disk_list_one(containers, BERTH_DISK_VOLUME, volume->name, list);
    }
    return list;
}

/* Containers and volumes of root are not counted, since no limit applies to them. */
static void disk_measure_container(BerthContainer *container) {
    Disk *disk = *berth_containers_slot(container->containers, &berth_disk_part);
    const BerthContainerRecord *record = &container->record;
    g_auto(GStrv) volumes = berth_volumes_list_of(record);
    uint32_t owner;

    if (!is_limited())
        return;
    if (record->owner != 0)
        disk_add_tree(disk, BERTH_DISK_CONTAINER, record->id);
    for (char **volume = volumes; *volume; volume++)
        if (berth_volume_get_owner(container->containers, *volume, &owner, NULL) && owner != 0)
            disk_add_tree(disk, BERTH_DISK_VOLUME, *volume);
    disk_measure_next(disk);
}

static int on_disk_time(sd_event_source *source, uint64_t usec, void *userdata) {
    Disk *disk = userdata;
    GHashTableIter iterator;
    gpointer value;
    uint64_t bytes;

    (void)usec;
    g_hash_table_iter_init(&iterator, disk->containers->by_id);
    /* Without a limit nothing is looked up. A reload may introduce a limit. */
    while (is_limited() && g_hash_table_iter_next(&iterator, NULL, &value)) {
        BerthContainer *container = value;
        /* Includes those that existed before there was a limit. */
        if (berth_container_is_running(container) ||
            !berth_disk_usage_get(disk->containers->database, BERTH_DISK_CONTAINER,
                                  container->record.id, &bytes))
            disk_measure_container(container);
    }
    sd_event_source_set_time_relative(source, INTERVAL_USEC);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* A running container continues when its owner exceeds the limit; only starts are refused. */
static bool disk_permits(const BerthContainer *container, BerthAction action, GError **error) {
    return action != BERTH_ACTION_START || berth_container_is_running(container) ||
           berth_disk_check(container->containers, container->record.owner, error);
}

static void disk_closed(BerthContainers *containers) {
    Disk *disk = *berth_containers_slot(containers, &berth_disk_part);

    if (!disk)
        return;
    sd_event_source_disable_unref(disk->timer);
    g_queue_clear_full(&disk->waiting, free_tree);
    /* The calls behind the waiters are freed with the service's own. */
    g_ptr_array_unref(disk->waiters);
    disk_end_walk(disk);
    g_free(disk);
}

static bool disk_opened(BerthContainers *containers, GError **error) {
    Disk *disk = g_new0(Disk, 1);

    *berth_containers_slot(containers, &berth_disk_part) = disk;
    disk->containers = containers;
    disk->top = -1;
    g_queue_init(&disk->waiting);
    disk->waiters = g_ptr_array_new_with_free_func(g_free);
    int r = sd_event_add_time_relative(containers->event, &disk->timer, CLOCK_MONOTONIC, FIRST_USEC,
                                       0, on_disk_time, disk);
    return r >= 0 || berth_error_set_errno(error, r, "schedule the measurement of containers");
}

const BerthPart berth_disk_part = {
    .name = "disk",
    .opened = disk_opened,
    .closed = disk_closed,
    .permits = disk_permits,
    .exited = disk_measure_container,
};
