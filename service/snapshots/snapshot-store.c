/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * BerthSnapshotStore holds the directory snapshots/; the service owns it for its whole life. A
 * snapshot goes through these states:
 *
 *   .new-TIME-N   a layer is being unpacked into the directory; no row
 *   sha256-HEX    renamed, the row not yet added: after a crash, the next start removes it
 *   unsynced      the row names the current boot; a start under another boot deletes the row
 *   synced        the row names no boot (snapshots/sync.c)
 *   .trash…       the row was deleted first; a worker removes the files (snapshots/trash.c)
 *
 * Only the row makes a snapshot. berthd itself never walks through the files of a layer.
 */

#include "snapshots/snapshot-store.h"

#include "bare/overlay.h"
#include "base/directory.h"
#include "base/fd.h"
#include "base/host-mount.h"
#include "base/log.h"
#include "base/overlay-lock.h"
#include "snapshots/mount-points.h"
#include "snapshots/trash.h"
#include "store/snapshot-records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>

#define NEW_PREFIX ".new-"
/* Precedes the chain ID in the source of a mounted image, as the mount table shows it. */
#define SOURCE_PREFIX "berth:"

struct BerthSnapshotStore {
    sd_event *event;
    BerthDatabase *database;
    int directory;
    char boot[SD_ID128_STRING_MAX];
    unsigned counter;
};

/* "sha256:HEX" as a file name. overlayfs's lowerdir= option separates layers with colons, so the
 * name has none. */
static char *directory_name(const char *chain_id) {
    return g_strdelimit(g_strdup(chain_id), ":", '-');
}

static char *chain_id_of(const char *name) {
    char *chain_id = g_strdup(name);
    char *dash = strchr(chain_id, '-');

    if (dash)
        *dash = ':';
    return chain_id;
}

/* A power failure may lose the last transactions, among them the deletion of a row, but not the
 * removal of its directory. */
static bool snapshot_store_forget_missing(BerthSnapshotStore *store, GError **error) {
    g_autoptr(GPtrArray) rows = berth_snapshot_records_list(store->database, error);
    bool good = rows != NULL;

    for (guint i = 0; good && i < rows->len; i++) {
        const char *chain_id = rows->pdata[i];
        g_autofree char *name = directory_name(chain_id);
        if (faccessat(store->directory, name, F_OK, 0) == 0 || errno != ENOENT)
            continue;
        berth_log(LOG_NOTICE, BERTH_MESSAGE_STATE_REPAIRED, NULL, NULL,
                  "Forgetting the snapshot %s, which has no files", chain_id);
        good = berth_snapshot_records_forget(store->database, chain_id, error);
    }
    return good;
}

/* Makes rows and directories agree when the service starts, before any operation runs. Rows of
 * another boot were never synced; directories without a row were left by a crash. */
static bool snapshot_store_repair(BerthSnapshotStore *store, GError **error) {
    if (!berth_snapshot_records_forget_other_boots(store->database, store->boot, error))
        return false;
    berth_autolist DIR *list = berth_directory_list(store->directory);
    const char *name;
    if (!list)
        return berth_error_set_errno(error, errno, "list snapshots");
    while ((name = berth_directory_next(list))) {
        if (g_str_has_prefix(name, BERTH_TRASH_PREFIX))
            continue;
        g_autofree char *chain_id = chain_id_of(name);
        if (g_str_has_prefix(name, NEW_PREFIX) || !berth_snapshot_store_has(store, chain_id)) {
            berth_log(LOG_NOTICE, BERTH_MESSAGE_STATE_REPAIRED, NULL, NULL,
                      "Removing the half-made snapshot %s", name);
            berth_trash_take_remains(store->event, store->directory, name, NULL);
        }
    }
    return snapshot_store_forget_missing(store, error);
}

BerthSnapshotStore *berth_snapshot_store_open(sd_event *event, int directory,
                                              BerthDatabase *database, GError **error) {
    g_autoptr(BerthSnapshotStore) store = g_new0(BerthSnapshotStore, 1);
    sd_id128_t boot;
    int r;

    store->event = event;
    store->database = database;
    store->directory = -1;
    if ((r = sd_id128_get_boot(&boot)) < 0) {
        berth_error_set_errno(error, r, "read the boot ID");
        return NULL;
    }
    sd_id128_to_string(boot, store->boot);
    store->directory = berth_directory_make(directory, "snapshots", 0700, error);
    if (store->directory < 0)
        return NULL;
    /* Before the repair, which adds to the trash. */
    berth_trash_sweep(event, store->directory);
    return snapshot_store_repair(store, error) && berth_mount_points_make(directory, error)
               ? g_steal_pointer(&store)
               : NULL;
}

void berth_snapshot_store_free(BerthSnapshotStore *store) {
    if (!store)
        return;
    berth_fd_clear(&store->directory);
    g_free(store);
}

int berth_snapshot_store_get_directory(BerthSnapshotStore *store) {
    return store->directory;
}

bool berth_snapshot_store_has(BerthSnapshotStore *store, const char *chain_id) {
    return berth_snapshot_records_have(store->database, chain_id);
}

int berth_snapshot_store_begin(BerthSnapshotStore *store, char **key, GError **error) {
    g_autofree char *name =
        g_strdup_printf(NEW_PREFIX "%" G_GINT64_FORMAT "-%u", g_get_real_time(), store->counter++);

    if (mkdirat(store->directory, name, 0755) < 0) {
        berth_error_set_errno(error, errno, "make a snapshot's directory");
        return -1;
    }
    int fd = openat(store->directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* The mode passed to mkdirat is subject to the umask. This directory becomes part of a
     * container's root. */
    if (fd < 0 || fchmod(fd, 0755) < 0) {
        berth_error_set_errno(error, errno, "open a snapshot's directory");
        berth_fd_clear(&fd);
        return -1;
    }
    *key = g_steal_pointer(&name);
    return fd;
}

bool berth_snapshot_store_commit(BerthSnapshotStore *store, const char *key, const char *chain_id,
                                 const char *parent, uint64_t size, GError **error) {
    g_autofree char *name = directory_name(chain_id);

    /* If another transfer has committed the same chain, its snapshot stays, and this one is
     * removed. */
    if (berth_snapshot_store_has(store, chain_id)) {
        berth_snapshot_store_discard(store, key);
        return true;
    }
    /* The directory comes first: a row stands for an existing directory. One without a row may be
     * in its place, if a row or a removal has failed since the start of the service. */
    int r = renameat(store->directory, key, store->directory, name);
    if (r < 0 && (errno == ENOTEMPTY || errno == EEXIST)) {
        if (!berth_trash_take(store->event, store->directory, name, error))
            return false;
        r = renameat(store->directory, key, store->directory, name);
    }
    if (r < 0)
        return berth_error_set_errno(error, errno, "commit the snapshot %s", chain_id);
    const BerthSnapshotRecord record = {chain_id, parent, size, store->boot};
    return berth_snapshot_records_add(store->database, &record, error);
}

void berth_snapshot_store_discard(BerthSnapshotStore *store, const char *key) {
    g_autoptr(GError) error = NULL;

    if (!berth_trash_take(store->event, store->directory, key, &error))
        berth_log_warning(NULL, NULL, "%s", error->message);
}

char **berth_snapshot_store_list_chain(BerthSnapshotStore *store, const char *chain_id,
                                       GError **error) {
    char **names = berth_snapshot_records_list_chain(store->database, chain_id, error);

    for (char **name = names; name && *name; name++)
        g_strdelimit(*name, ":", '-');
    return names;
}

static void clear_fd(gpointer data) {
    berth_fd_clear(data);
}

GArray *berth_snapshot_store_open_chain(BerthSnapshotStore *store, const char *chain_id,
                                        GError **error) {
    g_auto(GStrv) names = berth_snapshot_store_list_chain(store, chain_id, error);
    g_autoptr(GArray) layers = g_array_new(FALSE, FALSE, sizeof(int));

    /* On failure, this closes the directories that have been opened. */
    g_array_set_clear_func(layers, clear_fd);
    for (char **name = names; name && *name; name++) {
        int fd = openat(store->directory, *name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
            berth_error_set_errno(error, errno, "open the snapshot %s", *name);
            return NULL;
        }
        g_array_append_val(layers, fd);
    }
    return names ? g_steal_pointer(&layers) : NULL;
}

bool berth_snapshot_store_remove(BerthSnapshotStore *store, const char *chain_id, GError **error) {
    g_autofree char *name = directory_name(chain_id);

    /* The row goes first: without it, the next start removes the directory, even after a crash. */
    return berth_snapshot_records_remove(store->database, chain_id, error) &&
           berth_trash_take(store->event, store->directory, name, error);
}

bool berth_snapshot_store_is_below(BerthSnapshotStore *store, const char *chain_id,
                                   const char *top) {
    g_auto(GStrv) names = berth_snapshot_store_list_chain(store, top, NULL);
    g_autofree char *name = directory_name(chain_id);

    return names && g_strv_contains((const char *const *)names, name);
}

bool berth_snapshot_store_sum(BerthSnapshotStore *store, uint64_t *bytes, GError **error) {
    return berth_snapshot_records_sum(store->database, bytes, error);
}

int berth_snapshot_store_mount_locked(BerthSnapshotStore *store, const char *chain_id,
                                      GError **error) {
    berth_autofd int mount = berth_snapshot_store_mount(store, chain_id, error);

    return mount < 0 ? -1 : berth_overlay_lock(mount, error);
}

int berth_snapshot_store_mount(BerthSnapshotStore *store, const char *chain_id, GError **error) {
    g_autoptr(GArray) layers = berth_snapshot_store_open_chain(store, chain_id, error);

    if (!layers)
        return -1;
    g_autofree char *source = g_strconcat(SOURCE_PREFIX, chain_id, NULL);
    int mount = berth_overlay_mount((const int *)layers->data, layers->len, -1, -1, source);
    if (mount < 0)
        berth_error_set_errno(error, errno, "mount the %u layers of %s", layers->len, chain_id);
    return mount;
}

/* The source of an overlay has its chain ID. The clone of a single layer is the layer's directory:
 * it is the root of the mount or, if a part of it was mounted again, above that root. */
static void snapshot_store_add_mounted(const BerthHostMount *mount, void *userdata) {
    GPtrArray *chains = userdata;
    const char *name = strstr(mount->root, "/sha256-");

    if (g_str_equal(mount->type, "overlay") && g_str_has_prefix(mount->source, SOURCE_PREFIX))
        g_ptr_array_add(chains, g_strdup(mount->source + strlen(SOURCE_PREFIX)));
    else if (name) {
        g_autofree char *directory = g_strndup(name + 1, strcspn(name + 1, "/"));
        g_ptr_array_add(chains, chain_id_of(directory));
    }
}

GPtrArray *berth_snapshot_store_list_mounted(GError **error) {
    g_autoptr(GPtrArray) chains = g_ptr_array_new_with_free_func(g_free);

    return berth_host_mount_visit(snapshot_store_add_mounted, chains, error)
               ? g_steal_pointer(&chains)
               : NULL;
}

bool berth_snapshot_store_has_unsynced(BerthSnapshotStore *store, int64_t *newest_usec) {
    return berth_snapshot_records_find_unsynced(store->database, newest_usec);
}

bool berth_snapshot_store_set_synced(BerthSnapshotStore *store, int64_t newest_usec,
                                     GError **error) {
    return berth_snapshot_records_set_synced(store->database, newest_usec, error);
}
