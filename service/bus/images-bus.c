/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/images, org.berth1.Images: the collection of image names, which berth.db holds. The
 * bus object has no state. Methods about a single name are in image-methods.c and
 * images-transfers.c; the name's object (image-bus.c) has them as well. The one thing to know: a
 * name makes content reachable, so Put also needs the right to read content that the caller did not
 * bring itself.
 */

#include "base/limits.h"
#include "bus/access.h"
#include "bus/content-adoption.h"
#include "bus/images-object.h"
#include "bus/objects.h"
#include "bus/options.h"
#include "bus/pending-call.h"
#include "bus/unicast.h"
#include "images/prune.h"
#include "store/provenance.h"
#include "store/reach.h"

#include <errno.h>

#define PATH BERTH_IMAGES_PATH
#define INTERFACE "org.berth1.Images"

static int images_method_get(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    BerthViewer viewer;
    const char *name;
    int r;

    if ((r = sd_bus_message_read(call, "s", &name)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "inspect", "image", name, NULL);
    if (r != BERTH_ACCESS_GRANTED ||
        (r = berth_viewer_find(call, service, &viewer)) != BERTH_ACCESS_GRANTED)
        return r;
    return berth_image_object_reply(call, service, &viewer, name, ret_error);
}

/* The caller needs the right to read content that it did not bring to the store itself: the target,
 * and everything below it that the new name will reach. */
static int find_adopted(sd_bus_message *call, BerthService *service, sd_bus_error *ret_error,
                        uint32_t uid, const char *name, const char *digest, GPtrArray **adopted) {
    int r = BERTH_ACCESS_GRANTED;

    if (uid != 0 && berth_provenance_holds(service->database, uid, digest))
        return r;
    r = berth_access_check(service->access, call, ret_error, "read", "image", name, "digest",
                           digest, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_content_adoption_find(service, call, ret_error, "image", name, digest, adopted);
    /* If the user, and not a rule, has allowed the target in the check above, it is not among them
     * yet. */
    if (r == BERTH_ACCESS_GRANTED &&
        !g_ptr_array_find_with_equal_func(*adopted, digest, g_str_equal, NULL))
        g_ptr_array_add(*adopted, g_strdup(digest));
    return r;
}

/* All checks come before the content in adopted is recorded as the caller's: a handler must not
 * change anything before its last check. */
static int method_put(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(BerthDescriptor) target = NULL, before = NULL;
    g_autoptr(GPtrArray) adopted = NULL;
    g_auto(GStrv) labels = NULL;
    g_autoptr(GError) error = NULL;
    const char *name;
    uint32_t uid;
    int r;

    if ((r = sd_bus_message_read(call, "s", &name)) < 0 ||
        (r = berth_bus_read_descriptor(call, &target)) < 0 ||
        (r = berth_options_read_map(call, &labels)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(BerthImage) current = berth_image_store_get(service->database, name, NULL);
    r = berth_access_check(service->access, call, ret_error, "manage", "image", name, "digest",
                           target->digest, "replaced", current ? current->target->digest : NULL,
                           NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = find_adopted(call, service, ret_error, uid, name, target->digest, &adopted);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if ((adopted && !berth_content_adoption_record(service, uid, adopted, &error)) ||
        !berth_images_put(service->images, name, target, labels, uid, &before, &error))
        return berth_bus_error_set(ret_error, error);
    return berth_image_reply_before(call, before);
}

/* The list of digests may be cut to fit into a message; the sum of bytes includes all of them. */
static void on_pruned(GPtrArray *digests, uint64_t bytes, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;
    g_autoptr(sd_bus_message) reply = NULL;

    if (error) {
        berth_bus_reply_error(pending->call, error);
        return;
    }
    g_ptr_array_add(digests, NULL);
    if (sd_bus_message_new_method_return(pending->call, &reply) >= 0 &&
        berth_bus_append_some(reply, (char **)digests->pdata, BERTH_MAX_REPLY_BYTES / 2) >= 0 &&
        sd_bus_message_append(reply, "t", bytes) >= 0)
        sd_bus_send(NULL, reply, NULL);
}

static int method_prune(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    int dry_run = 0;
    const BerthOption options[] = {{"DryRun", "b", &dry_run}, {NULL, NULL, NULL}};
    int r = berth_options_read(call, options, ret_error);

    if (r < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "manage", NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    const BerthPruneRequest request = {.dry_run = dry_run};
    BerthPendingCall *pending =
        berth_pending_call_new_charged(service, call, BERTH_RESOURCE_READS, ret_error);
    if (!pending)
        return -EBUSY;
    berth_images_prune(service->images, &request, on_pruned, pending);
    return 1;
}

typedef struct {
    const char *name;
    const BerthDescriptor *target;
    BerthImageChange change;
} Change;

/* Called once for each watching client, like make_content_signal() in contents-bus.c. */
static sd_bus_message *make_image_signal(BerthService *service, const void *data) {
    static const char *const members[] = {"Added", "Updated", "Removed"};
    const Change *change = data;
    g_autoptr(sd_bus_message) signal = NULL;

    if (sd_bus_message_new_signal(service->bus, &signal, PATH, INTERFACE, members[change->change]) <
            0 ||
        sd_bus_message_append(signal, "s(sst)", change->name, change->target->media_type,
                              change->target->digest, change->target->size) < 0)
        return NULL;
    return g_steal_pointer(&signal);
}

static void on_image_change(const char *name, const BerthDescriptor *target,
                            BerthImageChange change, unsigned what, void *userdata) {
    const Change data = {name, target, change};
    const BerthSignalRight right = {"images.inspect", "image", name};
    BerthService *service = userdata;

    berth_image_object_send_changed(service, name, change, what);
    berth_unicast_send_to_listeners(service->unicast, "Images", make_image_signal, &data, &right);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Resolve", SD_BUS_ARGS("s", reference, "a{sv}", options),
                            SD_BUS_RESULT("s", name, "(sst)", target), berth_images_bus_resolve,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Authenticate", SD_BUS_ARGS("s", registry, "a{sv}", options),
                            SD_BUS_NO_RESULT, berth_images_bus_authenticate,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Search", SD_BUS_ARGS("s", registry, "s", term, "a{sv}", options),
                            SD_BUS_RESULT("a(sa{sv})", found), berth_images_bus_search,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Fetch", SD_BUS_ARGS("s", reference, "a{sv}", options),
                            SD_BUS_RESULT("o", transfer), berth_images_bus_fetch,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Pull", SD_BUS_ARGS("s", reference, "a{sv}", options),
                            SD_BUS_RESULT("o", transfer), berth_images_bus_pull,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Push", SD_BUS_ARGS("s", name, "s", reference, "a{sv}", options),
                            SD_BUS_RESULT("o", transfer), berth_images_bus_push,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Unpack", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("o", transfer), berth_images_bus_unpack,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Import", SD_BUS_ARGS("h", archive, "a{sv}", options),
                            SD_BUS_RESULT("o", transfer), berth_images_bus_import,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Export", SD_BUS_ARGS("as", names, "h", output, "a{sv}", options),
                            SD_BUS_RESULT("o", transfer), berth_images_bus_export,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Get", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("a{sv}", properties), images_method_get,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "Put", SD_BUS_ARGS("s", name, "(sst)", target, "a{ss}", labels, "a{sv}", options),
        SD_BUS_RESULT("(sst)", before), method_put, SD_BUS_VTABLE_UNPRIVILEGED),
    BERTH_OBJECTS_LIST(images),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("(sst)", before), berth_images_bus_delete,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("DeleteMany", SD_BUS_ARGS("as", names, "a{sv}", options),
                            SD_BUS_RESULT("as", deleted), berth_images_bus_delete_many,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Inspect", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("s", json), berth_images_bus_inspect,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Verify", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("s", key), berth_images_bus_verify,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("a(sa{sv})", platforms), berth_images_bus_describe,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Rename", SD_BUS_ARGS("s", name, "s", new_name, "a{sv}", options),
                            SD_BUS_NO_RESULT, berth_images_bus_rename, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Mount", SD_BUS_ARGS("s", name, "a{sv}", options),
                            SD_BUS_RESULT("h", mount), berth_images_bus_mount,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Prune", SD_BUS_ARGS("a{sv}", options),
                            SD_BUS_RESULT("as", digests, "t", bytes), method_prune,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL_WITH_ARGS("Added", SD_BUS_ARGS("s", name, "(sst)", target), 0),
    SD_BUS_SIGNAL_WITH_ARGS("Updated", SD_BUS_ARGS("s", name, "(sst)", target), 0),
    SD_BUS_SIGNAL_WITH_ARGS("Removed", SD_BUS_ARGS("s", name, "(sst)", target), 0),
    SD_BUS_VTABLE_END,
};

/* The object has no properties, but a proxy requests all of them when it is created, and receives
 * signals from then on. */
static int images_open(sd_bus_message *call, BerthView *view, sd_bus_error *error) {
    BerthService *service = view->service;
    int r = berth_access_get_uid(service->access, call, &view->viewer.uid);

    (void)error;
    if (r == BERTH_ACCESS_GRANTED && berth_properties_is_get_all(call))
        berth_unicast_add_listener(service->unicast, "Images", "GetAll",
                                   sd_bus_message_get_sender(call));
    return r;
}

int berth_images_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = INTERFACE, .vtable = vtable, .open = images_open};
    int r = berth_properties_add(service, PATH, false, &source);

    if (r < 0)
        return r;
    service->images->observer = on_image_change;
    service->images->observer_userdata = service;
    return berth_objects_add_collection(service, PATH, INTERFACE, vtable);
}
