/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/images/LABEL, org.berth1.Image: an image name as a bus object. It exists as long as
 * the name does. Everything is read from berth.db on demand, and an ImageData lives for one visit
 * or one call. The methods are those of org.berth1.Images, in image-methods.c and
 * images-transfers.c, which read the name from the path. The one thing to know: these objects have
 * no owner; the right images.inspect shows all of them.
 */

#include "bus/container-object.h"
#include "bus/images-object.h"
#include "bus/objects.h"
#include "bus/watchers.h"
#include "images/summary.h"

#include <errno.h>

/* The data of a view, for the getters. The summary takes a dozen queries and is created when the
 * first property needs it. */
typedef struct {
    BerthImages *images;
    const BerthImage *image;
    bool summarized;
    BerthImageSummary summary;
    GHashTable *users; /* image name → GPtrArray of BerthContainerRecord */
} ImageData;

static ImageData *get_data(void *view) {
    return ((const BerthView *)view)->object;
}

/* A summary that has failed is not tried again for the next property. */
static const BerthImageSummary *get_summary(void *view) {
    ImageData *data = get_data(view);

    if (!data->summarized)
        berth_images_summarize(data->images, data->image, &data->summary, NULL);
    data->summarized = true;
    return &data->summary;
}

BERTH_PROPERTY_GETTER(get_name) {
    return sd_bus_message_append(reply, "s", get_data(view)->image->name);
}

BERTH_PROPERTY_GETTER(get_target) {
    return berth_bus_append_descriptor(reply, get_data(view)->image->target);
}

BERTH_PROPERTY_GETTER(get_number) {
    const ImageData *data = get_data(view);

    return sd_bus_message_append(reply, "t",
                                 g_str_equal(property, "Created")   ? data->image->created_usec
                                 : g_str_equal(property, "Updated") ? data->image->updated_usec
                                                                    : get_summary(view)->bytes);
}

BERTH_PROPERTY_GETTER(get_platforms) {
    return sd_bus_message_append_strv(reply, get_summary(view)->platforms);
}

BERTH_PROPERTY_GETTER(get_unpacked) {
    return sd_bus_message_append(reply, "b", (int)get_summary(view)->unpacked);
}

BERTH_PROPERTY_GETTER(get_labels) {
    return berth_bus_append_labels(reply, get_data(view)->image->labels);
}

/* Containers of other users are left out, so that two clients may see different lists. */
BERTH_PROPERTY_GETTER(get_users) {
    const ImageData *data = get_data(view);
    const GPtrArray *users = g_hash_table_lookup(data->users, data->image->name);
    int r = sd_bus_message_open_container(reply, 'a', "s");

    for (guint i = 0; r >= 0 && users && i < users->len; i++) {
        const BerthContainerRecord *record = users->pdata[i];
        if (berth_viewer_sees(&((const BerthView *)view)->viewer, record->owner))
            r = sd_bus_message_append(reply, "s", record->id);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Push", SD_BUS_ARGS("s", reference, "a{sv}", options),
                            SD_BUS_RESULT("o", transfer), berth_images_bus_push,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Unpack", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", transfer),
                            berth_images_bus_unpack, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("(sst)", before),
                            berth_images_bus_delete, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Inspect", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", json),
                            berth_images_bus_inspect, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Verify", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", key),
                            berth_images_bus_verify, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_ARGS("a{sv}", options),
                            SD_BUS_RESULT("a(sa{sv})", platforms), berth_images_bus_describe,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Rename", SD_BUS_ARGS("s", new_name, "a{sv}", options),
                            SD_BUS_NO_RESULT, berth_images_bus_rename, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Mount", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("h", mount),
                            berth_images_bus_mount, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Name", "s", get_name, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Target", "(sst)", get_target, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Size", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Created", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Updated", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Platforms", "as", get_platforms, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Unpacked", "b", get_unpacked, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Labels", "a{ss}", get_labels, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("UsedBy", "as", get_users, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
    SD_BUS_VTABLE_END,
};

static int visit_images(BerthService *service, const BerthViewer *viewer, const char *after,
                        BerthObjectVisit visit, void *userdata);

const BerthObjectKind berth_image_kind = {
    .interface = BERTH_IMAGE_INTERFACE,
    .path = BERTH_IMAGES_PATH,
    .detail = "image",
    .action = "images.inspect",
    .list_check = "inspect",
    .vtable = vtable,
    .visit = visit_images,
};

static void free_users(gpointer users) {
    g_ptr_array_unref(users);
}

/* Finds the containers of all images at once. Keys and records belong to the containers, so the
 * table is valid only in this iteration of the loop. */
static GHashTable *list_users(BerthService *service) {
    g_autoptr(GPtrArray) containers = berth_containers_list(service->containers);
    GHashTable *users = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_users);

    for (guint i = 0; i < containers->len; i++) {
        const BerthContainerRecord *record = berth_container_get_record(containers->pdata[i]);
        GPtrArray *list = g_hash_table_lookup(users, record->image);
        if (!list) {
            list = g_ptr_array_new();
            g_hash_table_insert(users, record->image, list);
        }
        g_ptr_array_add(list, (gpointer)record);
    }
    return users;
}

static int visit_image(BerthService *service, const BerthImage *image, GHashTable *users,
                       BerthObjectVisit visit, void *userdata) {
    ImageData data = {.images = service->images, .image = image, .users = users};
    const BerthObject object = {.kind = &berth_image_kind, .name = image->name, .data = &data};

    int r = visit(&object, userdata);
    berth_image_summary_clear(&data.summary);
    return r;
}

typedef struct {
    BerthService *service;
    GHashTable *users;
    BerthObjectVisit visit;
    void *userdata;
} Visit;

static int visit_stored_image(const BerthImage *image, void *userdata) {
    const Visit *visit = userdata;

    return visit_image(visit->service, image, visit->users, visit->visit, visit->userdata);
}

static int visit_images(BerthService *service, const BerthViewer *viewer, const char *after,
                        BerthObjectVisit visit, void *userdata) {
    g_autoptr(GHashTable) users = list_users(service);
    Visit data = {service, users, visit, userdata};

    return viewer->images
               ? berth_image_store_visit(service->database, after, visit_stored_image, &data, NULL)
               : 1;
}

/* Serves a call for the properties of one image. The ImageData is created for it, and freed by
 * image_close(). */
static int image_open(sd_bus_message *call, BerthView *view, sd_bus_error *ret_error) {
    BerthService *service = view->service;
    const char *path = sd_bus_message_get_path(call);
    g_autofree char *name = berth_object_read_path(&berth_image_kind, path);
    g_autoptr(GError) error = NULL;
    int r = berth_access_check(service->access, call, ret_error, "inspect", "image",
                               name ? name : "", NULL);

    if (r != BERTH_ACCESS_GRANTED ||
        (r = berth_viewer_find(call, service, &view->viewer)) != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(BerthImage) image =
        berth_image_store_get(service->database, name ? name : "", &error);
    g_autofree ImageData *data = g_new0(ImageData, 1);
    if (!image)
        return berth_bus_error_set(ret_error, error);
    data->images = service->images;
    data->image = g_steal_pointer(&image);
    data->users = list_users(service);
    view->object = g_steal_pointer(&data);
    if (berth_properties_is_get_all(call))
        berth_watchers_add(service->watchers, sd_bus_message_get_sender(call), path);
    return r;
}

static void image_close(BerthView *view) {
    ImageData *data = view->object;

    berth_image_free((BerthImage *)data->image);
    berth_image_summary_clear(&data->summary);
    g_hash_table_unref(data->users);
    g_free(data);
}

static int append_reply(const BerthObject *object, void *userdata) {
    const BerthView *view = userdata;

    return berth_object_append(view->object, view->service, &view->viewer, object, NULL);
}

int berth_image_object_reply(sd_bus_message *call, BerthService *service, const BerthViewer *viewer,
                             const char *name, sd_bus_error *ret_error) {
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthImage) image = berth_image_store_get(service->database, name, &error);
    g_autoptr(GHashTable) users = list_users(service);
    int r;

    if (!image)
        return berth_bus_error_set(ret_error, error);
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0)
        return r;
    BerthView view = {service, *viewer, reply};
    r = visit_image(service, image, users, append_reply, &view);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

typedef struct {
    BerthService *service;
    BerthImageChange change;
    unsigned what;
} ImageNotice;

/* The first four are reported with every change, Target and Labels only if they have changed. */
static int send_object(const BerthObject *object, void *userdata) {
    const ImageNotice *notice = userdata;
    BerthWatchers *watchers = notice->service->watchers;
    const char *changed[8] = {"Updated", "Size", "Platforms", "Unpacked"};
    size_t count = 4;

    if (notice->what & BERTH_IMAGE_RETARGETED)
        changed[count++] = "Target";
    if (notice->what & BERTH_IMAGE_RELABELED)
        changed[count++] = "Labels";
    if (notice->change == BERTH_IMAGE_ADDED)
        berth_watchers_send_added(watchers, object);
    else
        berth_watchers_send_changed(watchers, object, changed, NULL);
    return 1;
}

/* Without watchers, nothing is read from the database. A removed name no longer has a row, and its
 * signal needs none. */
void berth_image_object_send_changed(BerthService *service, const char *name,
                                     BerthImageChange change, unsigned what) {
    ImageNotice notice = {service, change, what};

    if (berth_watchers_count(service->watchers) == 0)
        return;
    if (change == BERTH_IMAGE_REMOVED) {
        const BerthObject object = {.kind = &berth_image_kind, .name = name};
        berth_watchers_send_removed(service->watchers, &object);
        return;
    }
    g_autoptr(BerthImage) image = berth_image_store_get(service->database, name, NULL);
    g_autoptr(GHashTable) users = list_users(service);
    if (image)
        visit_image(service, image, users, send_object, &notice);
}

/* Only invalidated: the value of UsedBy differs between clients. It has not changed for a client
 * that does not see the container, and that must not learn of it. */
void berth_image_object_send_users_changed(BerthService *service, const BerthObject *container,
                                           const char *name) {
    static const char *const invalidated[] = {"UsedBy", NULL};
    const BerthObject object = {.kind = &berth_image_kind, .name = name};

    if (name[0] && berth_watchers_count(service->watchers) > 0)
        berth_watchers_send_invalidated_by(service->watchers, &object, invalidated, container);
}

int berth_image_bus_add(BerthService *service) {
    static const BerthPropertySource source = {.interface = BERTH_IMAGE_INTERFACE,
                                               .vtable = vtable,
                                               .open = image_open,
                                               .close = image_close};

    return berth_objects_add_kind(service, &berth_image_kind, &source);
}
