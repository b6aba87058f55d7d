/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Volumes: a row in berth.db and a directory, in that order, both when a volume is created and when
 * it is removed. A directory without a row is trash, which the next start of the service removes; a
 * row without a directory gets one when the volume is used. The row of a new volume is synced
 * before anything can be written to it: otherwise a power failure could lose the row, and the next
 * start would remove what programs have written and synced.
 */

#include "containers/parts/volumes.h"

#include "base/charge.h"
#include "base/directory.h"
#include "base/fd.h"
#include "base/names.h"
#include "containers/core/table.h"
#include "containers/parts/disk-limit.h"
#include "snapshots/trash.h"

#include <errno.h>
#include <sys/stat.h>

typedef struct {
    int directory; /* volumes/ in the state directory */
    BerthVolumeObserver observer;
    void *observer_userdata;
} Volumes;

static Volumes *find_volumes(const BerthContainers *containers) {
    return *berth_containers_slot(containers, &berth_volumes_part);
}

int berth_volumes_get_directory(const BerthContainers *containers) {
    return find_volumes(containers)->directory;
}

void berth_volumes_observe(BerthContainers *containers, BerthVolumeObserver observer,
                           void *userdata) {
    Volumes *volumes = find_volumes(containers);

    volumes->observer = observer;
    volumes->observer_userdata = userdata;
}

static void report_volume(const BerthContainers *containers, const BerthVolume *volume,
                          bool added) {
    const Volumes *volumes = find_volumes(containers);

    if (volume && volumes->observer)
        volumes->observer(volume, added, volumes->observer_userdata);
}

GPtrArray *berth_volumes_list(BerthContainers *containers, GError **error) {
    return berth_volume_store_list(containers->database, error);
}

BerthVolume *berth_volume_get(BerthContainers *containers, const char *name, GError **error) {
    return berth_volume_store_get(containers->database, name, error);
}

bool berth_volume_get_owner(BerthContainers *containers, const char *name, uint32_t *owner,
                            GError **error) {
    BerthVolume *volume = berth_volume_get(containers, name, error);
    bool found = volume != NULL;

    if (found)
        *owner = volume->owner;
    berth_volume_free(volume);
    return found;
}

static bool check_volume_quota(BerthContainers *containers, uint32_t owner, GError **error) {
    g_autoptr(GPtrArray) list = berth_volumes_list(containers, error);
    unsigned count = 0;

    for (guint i = 0; list && i < list->len; i++)
        count += ((BerthVolume *)list->pdata[i])->owner == owner;
    return list && berth_charge_check(owner, BERTH_RESOURCE_VOLUMES, count, 1, error) &&
           berth_disk_check(containers, owner, error);
}

/* An existing directory is just as good: a crash may have come between the row and the directory.
 * But only a new one is certain to be empty, and can be added to the owner's project. */
static bool make_volume_directory(BerthContainers *containers, const char *name, uint32_t owner,
                                  GError **error) {
    int volumes = berth_volumes_get_directory(containers);
    bool made = mkdirat(volumes, name, 0755) == 0;

    if (!made && errno != EEXIST)
        return berth_error_set_errno(error, errno, "make the volume %s", name);
    berth_autofd int directory =
        made ? openat(volumes, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (directory >= 0)
        berth_disk_bound(directory, owner);
    return true;
}

bool berth_volume_create(BerthContainers *containers, const char *name, uint32_t owner,
                         char *const *labels, GError **error) {
    uint32_t present;

    if (!berth_name_check_volume(name, error))
        return false;
    if (berth_volume_get_owner(containers, name, &present, NULL))
        return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS,
                               "there is a volume \"%s\" already", name);
    if (!check_volume_quota(containers, owner, error))
        return false;
    /* A removal may have failed after its row. What it left is not this volume's, and may be
     * another user's. */
    if (!berth_trash_take(containers->event, berth_volumes_get_directory(containers), name, error))
        return false;
    /* The row first. If the directory then fails, the volume exists without one, and its next use
     * creates it (berth_volume_open). */
    if (!berth_volume_store_add(containers->database, name, owner, labels, error))
        return false;
    BerthVolume *volume = berth_volume_get(containers, name, NULL);
    report_volume(containers, volume, true);
    berth_volume_free(volume);
    return berth_database_sync(containers->database, error) &&
           make_volume_directory(containers, name, owner, error);
}

char *berth_volume_open(BerthContainers *containers, const char *name, uint32_t user,
                        GError **error) {
    g_autoptr(GError) local = NULL;
    uint32_t owner = user;

    if (!berth_volume_get_owner(containers, name, &owner, &local)) {
        if (!g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return NULL;
        }
        if (!berth_volume_create(containers, name, user, NULL, error))
            return NULL;
    }
    /* NotFound, as for a name that nobody uses: users cannot learn the names of other users'
     * volumes. Root may use any volume. */
    if (user != 0 && owner != user) {
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "the caller has no volume \"%.100s\"", name);
        return NULL;
    }
    if (!make_volume_directory(containers, name, owner, error))
        return NULL;
    return g_build_filename(containers->state_path, "volumes", name, NULL);
}

char **berth_volumes_list_of(const BerthContainerRecord *record) {
    g_autoptr(GVariant) names =
        berth_container_record_get_extra(record, "Volumes", G_VARIANT_TYPE_STRING_ARRAY);

    return names ? g_variant_dup_strv(names, NULL) : g_new0(char *, 1);
}

static bool has_volume(const BerthContainerRecord *record, const char *name) {
    g_auto(GStrv) names = berth_volumes_list_of(record);

    return g_strv_contains((const char *const *)names, name);
}

/* A user's volume may be in use by one of root's containers, which the user must not learn
 * about. */
static bool refuse_in_use(const BerthContainerRecord *record, const char *name, uint32_t user,
                          GError **error) {
    if (user != 0 && record->owner != user)
        return berth_error_set(error, BERTH_ERROR_IN_USE,
                               "a container of another user uses the volume \"%s\"", name);
    return berth_error_set(error, BERTH_ERROR_IN_USE,
                           "the container \"%s\" uses the volume \"%s\"; delete the container "
                           "first",
                           record->id, name);
}

bool berth_volume_delete(BerthContainers *containers, const char *name, uint32_t user,
                         GError **error) {
    GHashTableIter iterator;
    uint32_t owner;
    gpointer value;

    if (!berth_volume_get_owner(containers, name, &owner, error))
        return false;
    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainerRecord *record = &((BerthContainer *)value)->record;
        if (has_volume(record, name))
            return refuse_in_use(record, name, user, error);
    }
    BerthVolume removed = {.name = (char *)name, .owner = owner};
    if (!berth_volume_store_remove(containers->database, name, error))
        return false;
    report_volume(containers, &removed, false);
    return berth_trash_take(containers->event, berth_volumes_get_directory(containers), name,
                            error);
}

/* Removes directories without a row. If the rows cannot be read, nothing is removed. */
static bool volumes_swept(BerthContainers *containers, GError **error) {
    g_autoptr(GPtrArray) list = berth_volumes_list(containers, error);
    int directory = berth_volumes_get_directory(containers);
    berth_autolist DIR *entries = berth_directory_list(directory);
    const char *name;

    while (list && entries && (name = berth_directory_next(entries))) {
        /* Trash, which is swept below. */
        bool known = name[0] == '.';
        for (guint i = 0; i < list->len && !known; i++)
            known = g_str_equal(((BerthVolume *)list->pdata[i])->name, name);
        if (!known)
            berth_trash_take_remains(containers->event, directory, name, NULL);
    }
    berth_trash_sweep(containers->event, directory);
    return list != NULL;
}

static void volumes_closed(BerthContainers *containers) {
    Volumes *volumes = *berth_containers_slot(containers, &berth_volumes_part);

    if (volumes)
        berth_fd_clear(&volumes->directory);
    g_free(volumes);
}

static bool volumes_opened(BerthContainers *containers, GError **error) {
    Volumes *volumes = g_new0(Volumes, 1);

    volumes->directory = -1;
    *berth_containers_slot(containers, &berth_volumes_part) = volumes;
    return berth_containers_open_state(containers, "volumes", &volumes->directory, error);
}

const BerthPart berth_volumes_part = {
    .name = "volumes",
    .opened = volumes_opened,
    .closed = volumes_closed,
    .swept = volumes_swept,
};
