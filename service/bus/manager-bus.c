/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1, org.berth1.Manager: what this service is and how many objects it has. It has only
 * properties, none of which is stored: each is computed on demand. The object manager at the same
 * path is in object-manager.c. The one thing to know: objects that the caller may not see are not
 * counted either.
 */

#include "bus/objects.h"
#include "config.h"
#include "containers/parts/volumes.h"

#include <errno.h>
#include <sys/statvfs.h>

#define INTERFACE "org.berth1.Manager"

BERTH_PROPERTY_GETTER(get_version) {
    return sd_bus_message_append(reply, "s", BERTH_VERSION);
}

/* Features that a build or a machine may lack, and features added after 1.0, in sorted order.
 * "checkpoint" depends on the machine: CRIU can be installed at any time. */
BERTH_PROPERTY_GETTER(get_features) {
    static const char *const features[] = {"archives",   "checkpoint", "health",  "leases",
                                           "networks",   "objects",    "paging",  "pods",
                                           "signatures", "transfers",  "volumes", NULL};
    g_autofree char *criu = g_find_program_in_path("criu");
    int r = sd_bus_message_open_container(reply, 'a', "s");

    for (const char *const *feature = features; r >= 0 && *feature; feature++)
        if (criu || !g_str_equal(*feature, "checkpoint"))
            r = sd_bus_message_append(reply, "s", *feature);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* The file system of the state directory, from statvfs(3). "Free" is the space available to
 * unprivileged users (f_bavail); the blocks reserved for root count neither as used nor as free. */
BERTH_PROPERTY_GETTER(get_storage) {
    const char *directory = g_getenv("STATE_DIRECTORY");
    struct statvfs status;

    if (!directory)
        directory = BERTH_STATEDIR;
    if (statvfs(directory, &status) < 0)
        return sd_bus_error_set_errnof(ret_error, errno, "cannot examine %s", directory);
    uint64_t block = status.f_frsize, used = (status.f_blocks - status.f_bfree) * block;
    return sd_bus_message_append(reply, "a{sv}", 4, "Path", "s", directory, "Size", "t",
                                 status.f_blocks * block, "Used", "t", used, "Free", "t",
                                 status.f_bavail * block);
}

typedef struct {
    uint64_t containers, running, transfers, volumes, images;
} Counts;

static void count_containers(const BerthView *view, Counts *counts) {
    g_autoptr(GPtrArray) list = berth_containers_list(view->service->containers);

    for (guint i = 0; i < list->len; i++) {
        const BerthContainerRecord *record = berth_container_get_record(list->pdata[i]);
        if (!berth_viewer_sees(&view->viewer, record->owner))
            continue;
        counts->containers++;
        counts->running += record->state == BERTH_CONTAINER_RUNNING;
    }
}

static void count_transfers(const BerthView *view, Counts *counts) {
    GPtrArray *list = berth_transfers_list(view->service->transfers);

    for (guint i = 0; i < list->len; i++)
        counts->transfers +=
            berth_viewer_sees(&view->viewer, ((const BerthTransfer *)list->pdata[i])->owner);
}

/* Images have no owner: they are counted if the caller may see images at all, otherwise the count
 * is 0. */
static bool count_stored(const BerthView *view, Counts *counts, GError **error) {
    g_autoptr(GPtrArray) volumes = berth_volumes_list(view->service->containers, error);

    if (!volumes || (view->viewer.images &&
                     !berth_image_store_count(view->service->database, &counts->images, error)))
        return false;
    for (guint i = 0; i < volumes->len; i++)
        counts->volumes +=
            berth_viewer_sees(&view->viewer, ((const BerthVolume *)volumes->pdata[i])->owner);
    return true;
}

BERTH_PROPERTY_GETTER(get_counts) {
    g_autoptr(GError) error = NULL;
    Counts counts = {0};

    count_containers(view, &counts);
    count_transfers(view, &counts);
    if (!count_stored(view, &counts, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_message_append(reply, "a{st}", 5, "Containers", counts.containers, "Images",
                                 counts.images, "RunningContainers", counts.running, "Transfers",
                                 counts.transfers, "Volumes", counts.volumes);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Features", "as", get_features, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Storage", "a{sv}", get_storage, 0, 0),
    SD_BUS_PROPERTY("Counts", "a{st}", get_counts, 0, 0),
    SD_BUS_VTABLE_END,
};

static int manager_open(sd_bus_message *call, BerthView *view, sd_bus_error *error) {
    (void)error;
    return berth_viewer_find(call, view->service, &view->viewer);
}

int berth_manager_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = INTERFACE, .vtable = vtable, .open = manager_open};

    return berth_objects_add_single(service, BERTH_BUS_ROOT, &source);
}
