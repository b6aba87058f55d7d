/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/volumes, org.berth1.Volumes, and /org/berth1/volumes/LABEL, org.berth1.Volume. A
 * volume belongs to the user that created it, and its properties never change. containers/ owns the
 * volumes; there is no state here. The one thing to know: a volume hidden from the caller leads to
 * NotFound, like one that does not exist.
 */

#include "containers/parts/volumes.h"

#include "bus/objects.h"
#include "bus/pending-call.h"
#include "bus/watchers.h"

#include <errno.h>
#include <string.h>

#define PATH BERTH_BUS_ROOT "/volumes"
#define INTERFACE "org.berth1.Volumes"

#define VOLUME "org.berth1.Volume"

static const BerthObjectKind volume_kind;

/* The new volume belongs to the caller. */
static int volumes_method_create(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) labels = NULL;
    const BerthOption options[] = {{"Labels", "a{ss}", &labels}, {NULL}};
    const char *name;
    uint32_t uid;
    int r;

    if ((r = sd_bus_message_read(call, "s", &name)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_access_check(service->access, call, ret_error, "create", "volume", name, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_volume_create(service->containers, name, uid, labels, &error))
        return berth_bus_error_set(ret_error, error);
    g_autofree char *path = berth_object_make_path(&volume_kind, name);
    return sd_bus_reply_method_return(call, "o", path);
}

/* Makes the call's check on the volume of that name, whether it exists or not. */
static int check_volume(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                        const char *name, bool deletes) {
    uint32_t uid = 0;
    bool exists = berth_volume_get_owner(service->containers, name, &uid, NULL);
    const BerthOwnedObject volume = {"volume", "volume", name, exists, uid};
    g_autofree char *owner = exists ? g_strdup_printf("%u", uid) : NULL;

    return deletes ? berth_access_check_owned(service->access, call, error, &volume, "volume", name,
                                              "owner", owner, NULL)
                   : berth_access_check_owned(service->access, call, error, &volume, NULL);
}

/* Shared by the collection and the volume's object. */
static int volumes_method_delete(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    uint32_t user;
    int r;

    if ((r = berth_object_read_name(&volume_kind, call, &name)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0 ||
        (r = berth_access_get_uid(service->access, call, &user)) != BERTH_ACCESS_GRANTED)
        return r;
    r = check_volume(call, service, ret_error, name, true);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    return berth_volume_delete(service->containers, name, user, &error)
               ? sd_bus_reply_method_return(call, NULL)
               : berth_bus_error_set(ret_error, error);
}

static const BerthVolume *get_volume(void *view) {
    return ((const BerthView *)view)->object;
}

BERTH_PROPERTY_GETTER(get_name) {
    return sd_bus_message_append(reply, "s", get_volume(view)->name);
}

BERTH_PROPERTY_GETTER(get_owner) {
    return sd_bus_message_append(reply, "u", get_volume(view)->owner);
}

BERTH_PROPERTY_GETTER(get_created) {
    return sd_bus_message_append(reply, "t", get_volume(view)->created_usec);
}

BERTH_PROPERTY_GETTER(get_labels) {
    const BerthView *volume = view;
    g_auto(GStrv) labels = berth_volume_store_get_labels(volume->service->containers->database,
                                                         get_volume(view)->name);

    return berth_bus_append_labels(reply, labels);
}

static const sd_bus_vtable volume_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                            volumes_method_delete, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Name", "s", get_name, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Owner", "u", get_owner, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Created", "t", get_created, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Labels", "a{ss}", get_labels, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END,
};

/* Borrows the volume for one visit or one signal. */
static BerthObject make_volume_object(const BerthVolume *volume) {
    return (BerthObject){&volume_kind, volume->name, true, volume->owner, (void *)volume};
}

/* The list is sorted by name, as paging requires. */
static int visit_volumes(BerthService *service, const BerthViewer *viewer, const char *after,
                         BerthObjectVisit visit, void *userdata) {
    g_autoptr(GPtrArray) list = berth_volumes_list(service->containers, NULL);
    int r = list ? 1 : -EIO;

    for (guint i = 0; r > 0 && i < list->len; i++) {
        const BerthVolume *volume = list->pdata[i];
        const BerthObject object = make_volume_object(volume);
        if (berth_viewer_sees(viewer, volume->owner) && strcmp(volume->name, after) > 0)
            r = visit(&object, userdata);
    }
    return r;
}

static const BerthObjectKind volume_kind = {
    .interface = VOLUME,
    .path = PATH,
    .detail = "volume",
    .action = "containers.inspect",
    .vtable = volume_vtable,
    .visit = visit_volumes,
};

/* A client that reads all properties is a proxy, and receives signals about this volume from then
 * on. */
static int volume_open(sd_bus_message *call, BerthView *view, sd_bus_error *ret_error) {
    BerthService *service = view->service;
    const char *path = sd_bus_message_get_path(call);
    g_autofree char *decoded = berth_object_read_path(&volume_kind, path);
    const char *name = decoded ? decoded : "";
    g_autoptr(GError) error = NULL;
    int r = check_volume(call, service, ret_error, name, false);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!(view->object = berth_volume_get(service->containers, name, &error)))
        return berth_bus_error_set(ret_error, error);
    if (berth_properties_is_get_all(call))
        berth_watchers_add(service->watchers, sd_bus_message_get_sender(call), path);
    return r;
}

static void volume_close(BerthView *view) {
    berth_volume_free(view->object);
}

static void on_volume_change(const BerthVolume *volume, bool added, void *userdata) {
    BerthService *service = userdata;
    const BerthObject object = make_volume_object(volume);

    if (added)
        berth_watchers_send_added(service->watchers, &object);
    else
        berth_watchers_send_removed(service->watchers, &object);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Create", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("o", volume), volumes_method_create,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_NO_RESULT,
                            volumes_method_delete, SD_BUS_VTABLE_UNPRIVILEGED),
    BERTH_OBJECTS_LIST(volumes),
    SD_BUS_VTABLE_END,
};

int berth_volumes_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = VOLUME, .vtable = volume_vtable, .open = volume_open, .close = volume_close};

    berth_volumes_observe(service->containers, on_volume_change, service);
    int r = berth_objects_add_kind(service, &volume_kind, &source);
    return r < 0 ? r : berth_objects_add_collection(service, PATH, INTERFACE, vtable);
}
