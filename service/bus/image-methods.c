/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Methods about one image name, shared by the collection and the name's object: Delete, Inspect,
 * Verify, Describe, Rename and Mount. Those that move images are in images-transfers.c. There is no
 * state but the BerthPendingCall of a method that answers later. The one thing to know: the name is
 * looked up again each time the handler runs, so that a verdict about the digest of an earlier run
 * does not count for another one.
 */

#include "base/credentials.h"
#include "base/fd.h"
#include "base/limits.h"
#include "bus/access.h"
#include "bus/images-object.h"
#include "bus/options.h"
#include "bus/page.h"
#include "bus/pending-call.h"
#include "bus/remote-check.h"
#include "images/describe.h"
#include "images/image-signature.h"

#include <errno.h>

/* A name that does not exist does not fail here: the authorization comes first, and NotFound after
 * it. */
int berth_images_bus_delete(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(BerthDescriptor) before = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    int r;

    if ((r = berth_image_read_name(call, &name)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    g_autoptr(BerthImage) current = berth_image_store_get(service->database, name, NULL);
    r = berth_access_check(service->access, call, ret_error, "manage", "image", name, "digest",
                           current ? current->target->digest : NULL, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_images_delete(service->images, name, &before, &error))
        return berth_bus_error_set(ret_error, error);
    return berth_image_reply_before(call, before);
}

/* Returns the images of the names in the same order; NULL for one that does not exist. */
static GPtrArray *find_images(BerthService *service, char *const *names) {
    GPtrArray *images = g_ptr_array_new_with_free_func((GDestroyNotify)berth_image_free);

    for (; *names; names++)
        g_ptr_array_add(images, berth_image_store_get(service->database, *names, NULL));
    return images;
}

/* Rules are consulted for each name; the user is asked once for all of them. */
static int check_delete_many(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                             char *const *names) {
    g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GPtrArray) images = find_images(service, names);

    for (guint i = 0; i < images->len; i++) {
        const BerthImage *image = images->pdata[i];
        g_ptr_array_add(lists,
                        berth_access_new_details("image", names[i], "digest",
                                                 image ? image->target->digest : NULL, NULL));
    }
    return berth_access_check_many(service->access, call, error, "manage", lists);
}

/* Names that do not exist are left out of the reply; so is a name's second occurrence. */
int berth_images_bus_delete_many(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GPtrArray) deleted = NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) names = NULL;
    int r;

    if ((r = sd_bus_message_read_strv(call, &names)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    if (!names || !names[0])
        return sd_bus_error_set(ret_error, BERTH_ERROR_PREFIX "InvalidArgument",
                                "no image was given");
    r = check_delete_many(service, call, ret_error, names);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_images_delete_many(service->images, names, &deleted, &error))
        return berth_bus_error_set(ret_error, error);
    g_ptr_array_add(deleted, NULL);
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 ||
        (r = sd_bus_message_append_strv(reply, (char **)deleted->pdata)) < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

/* A document may be larger than a bus message can be. In this case, the error says how to open it
 * instead. */
static void on_text(const char *text, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        berth_bus_reply_text(pending->call, text, BERTH_MAX_REPLY_BYTES,
                             "the document, which can be opened by its digest,");
}

/* The names are in the order of BerthImageDocument. */
static int parse_document(const char *name, BerthImageDocument *document, sd_bus_error *error) {
    static const char *const names[] = {"index", "manifest", "config"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(names[i], name)) {
            *document = (BerthImageDocument)i;
            return 1;
        }
    return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                             "unknown document \"%.50s\"; use index, manifest or config", name);
}

/* The common beginning of Inspect and Describe: the authorization, the image, and a pending call
 * charged for reading documents. Returns like berth_access_check; the image belongs to the
 * caller. */
static int image_begin_reading(BerthService *service, sd_bus_message *call, sd_bus_error *ret_error,
                               const char *name, BerthImage **image, BerthPendingCall **pending) {
    g_autoptr(GError) error = NULL;
    int r = berth_access_check(service->access, call, ret_error, "inspect", "image", name, NULL);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(BerthImage) found = berth_image_store_get(service->database, name, &error);
    if (!found) {
        berth_bus_error_set(ret_error, error);
        return -ENOENT;
    }
    *pending = berth_pending_call_new_charged(service, call, BERTH_RESOURCE_READS, ret_error);
    if (!*pending)
        return -EBUSY;
    *image = g_steal_pointer(&found);
    return BERTH_ACCESS_GRANTED;
}

/* berth-inspect reads the document; berthd only passes the text on. */
int berth_images_bus_inspect(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(BerthImage) image = NULL;
    BerthPendingCall *pending = NULL;
    g_autofree char *name = NULL;
    const char *platform = NULL, *document = "config";
    const BerthOption options[] = {
        {"Platform", "s", &platform}, {"Document", "s", &document}, {NULL, NULL, NULL}};
    BerthImageDocument wanted = BERTH_IMAGE_CONFIG;
    int r;

    if ((r = berth_image_read_name(call, &name)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0 ||
        (r = parse_document(document, &wanted, ret_error)) < 0)
        return r;
    r = image_begin_reading(service, call, ret_error, name, &image, &pending);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_images_read_text(service->images, name, image->target, platform, wanted, on_text,
                           pending);
    return 1;
}

static void on_signature(const char *key, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "s", key);
}

/* The keys come only from the policy: if the caller could name key files, the service would read
 * them as root. */
int berth_images_bus_verify(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_auto(BerthSecrets) credentials = NULL;
    g_autofree char *name = NULL;
    int insecure = 0, r;
    bool own;
    const BerthOption options[] = {
        {"Insecure", "b", &insecure},
        {"Credentials", "a{ss}", &credentials},
        {NULL, NULL, NULL},
    };

    if ((r = berth_image_read_name(call, &name)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    const BerthRemoteQuestion question = {name, insecure, credentials};
    r = berth_remote_check(service, call, ret_error, "pull", &question, &own, "image", name, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(BerthImage) image = berth_image_store_get(service->database, name, &error);
    if (!image)
        return berth_bus_error_set(ret_error, error);
    const BerthSignatureRequest request = {
        .remote = {name, "", insecure, credentials, own},
        .digest = image->target->digest,
    };
    BerthPendingCall *pending =
        berth_pending_call_new_charged(service, call, BERTH_RESOURCE_QUESTIONS, ret_error);
    if (!pending)
        return -EBUSY;
    berth_images_verify_signature(service->images, &request, on_signature, pending);
    return 1;
}

static int append_layers(sd_bus_message *item, const BerthDescribedPlatform *platform) {
    int r;

    if ((r = sd_bus_message_open_container(item, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(item, "s", "Layers")) < 0 ||
        (r = sd_bus_message_open_container(item, 'v', "a(sst)")) < 0 ||
        (r = sd_bus_message_open_container(item, 'a', "(sst)")) < 0)
        return r;
    for (guint i = 0; r >= 0 && i < platform->layers->len; i++)
        r = berth_bus_append_descriptor(item, platform->layers->pdata[i]);
    if (r < 0 || (r = sd_bus_message_close_container(item)) < 0 ||
        (r = sd_bus_message_close_container(item)) < 0)
        return r;
    return sd_bus_message_close_container(item);
}

static int append_platform(sd_bus_message *item, const BerthDescribedPlatform *platform) {
    const BerthDescriptor *manifest = platform->manifest;
    int r;

    if ((r = sd_bus_message_open_container(item, 'r', "sa{sv}")) < 0 ||
        (r = sd_bus_message_append(item, "s", platform->platform)) < 0 ||
        (r = sd_bus_message_open_container(item, 'a', "{sv}")) < 0 ||
        (r = sd_bus_message_append(item, "{sv}", "Manifest", "(sst)", manifest->media_type,
                                   manifest->digest, manifest->size)) < 0 ||
        (r = sd_bus_message_append(item, "{sv}", "Size", "t", platform->bytes)) < 0 ||
        (r = sd_bus_message_append(item, "{sv}", "Complete", "b", (int)platform->complete)) < 0 ||
        (r = sd_bus_message_append(item, "{sv}", "Unpacked", "b", (int)platform->unpacked)) < 0 ||
        (r = append_layers(item, platform)) < 0 || (r = sd_bus_message_close_container(item)) < 0)
        return r;
    return sd_bus_message_close_container(item);
}

static int read_describe(sd_bus_message *call, char **name, BerthPage *page, sd_bus_error *error) {
    const BerthOption options[] = {BERTH_PAGE_OPTIONS(*page), {NULL, NULL, NULL}};
    int r = berth_image_read_name(call, name);

    return r < 0 ? r : berth_options_read(call, options, error);
}

/* Platforms have no unique name: "After" is the number of platforms on earlier pages. The options
 * are read from the call again, since the handler's page was freed when it returned. */
static void on_described(GPtrArray *platforms, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;
    g_auto(sd_bus_error) ignored = SD_BUS_ERROR_NULL;
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    g_autofree char *name = NULL;
    sd_bus_message *item;

    if (error) {
        berth_bus_reply_error(pending->call, error);
        return;
    }
    sd_bus_message_rewind(pending->call, 1);
    if (read_describe(pending->call, &name, &page, &ignored) < 0)
        return;
    guint64 after = g_ascii_strtoull(page.after, NULL, 10);
    int r = berth_page_open(&page, pending->call, "(sa{sv})");
    for (guint64 i = after; r > 0 && i < platforms->len; i++)
        if ((r = berth_page_begin(&page, &item)) >= 0 &&
            (r = append_platform(item, platforms->pdata[i])) >= 0)
            r = berth_page_add(&page);
    berth_page_send(&page, r);
}

/* The page is only read here in order to refuse invalid options early; on_described() reads it
 * again. */
int berth_images_bus_describe(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    g_autoptr(BerthImage) image = NULL;
    BerthPendingCall *pending = NULL;
    g_autofree char *name = NULL;
    int r = read_describe(call, &name, &page, ret_error);

    if (r < 0)
        return r;
    r = image_begin_reading(service, call, ret_error, name, &image, &pending);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_images_describe(service->images, image, on_described, pending);
    return 1;
}

/* Needs two rights: to the old name, which is removed, and to the new one, which may replace
 * another image. A user who has authenticated for the first check is not asked again for the
 * second. */
int berth_images_bus_rename(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    const char *new_name;
    int r;

    if ((r = berth_image_read_name(call, &name)) < 0 ||
        (r = sd_bus_message_read(call, "s", &new_name)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    g_autoptr(BerthImage) image = berth_image_store_get(service->database, name, NULL);
    g_autoptr(BerthImage) replaced = berth_image_store_get(service->database, new_name, NULL);
    const char *digest = image ? image->target->digest : NULL;
    r = berth_access_check(service->access, call, ret_error, "old", "image", name, "digest", digest,
                           "reference", new_name, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_access_check_rest(service->access, call, ret_error, "new", "image", new_name,
                                "digest", digest, "replaced",
                                replaced ? replaced->target->digest : NULL, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_images_rename(service->images, name, new_name, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, NULL);
}

/* The chain is known and can be mounted. Only root gets a mount without nosuid: a set-user-ID
 * program in an image must not work for other users. */
static void on_mount_info(const BerthImageInfo *info, const GError *info_error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;
    uint32_t uid = UINT32_MAX;
    g_autofree char *name = NULL;
    BerthSnapshotStore *snapshots = pending->service->snapshots;
    g_autoptr(GError) error = info_error ? g_error_copy(info_error) : NULL;
    if (info && info->chain_id[0] == '\0')
        berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the image has no layers: there is nothing to mount");
    else if (info && sd_bus_message_rewind(pending->call, 1) >= 0 &&
             berth_image_read_name(pending->call, &name) > 0)
        berth_images_check_chain(pending->service->images, name, info, &error);
    (void)berth_access_find_uid(pending->service->access, sd_bus_message_get_sender(pending->call),
                                &uid);
    berth_autofd int mount =
        error      ? -1
        : uid == 0 ? berth_snapshot_store_mount(snapshots, info->chain_id, &error)
                   : berth_snapshot_store_mount_locked(snapshots, info->chain_id, &error);
    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "h", mount);
}

int berth_images_bus_mount(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    const char *platform = NULL;
    const BerthOption options[] = {{"Platform", "s", &platform}, {NULL, NULL, NULL}};
    int r;

    if ((r = berth_image_read_name(call, &name)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    g_autoptr(BerthImage) image = berth_image_store_get(service->database, name, &error);
    const char *digest = image ? image->target->digest : NULL;
    r = berth_access_check(service->access, call, ret_error, "manage", "image", name, "digest",
                           digest, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    /* The mount makes all files readable, hence the second right. */
    r = berth_access_check(service->access, call, ret_error, "read", "image", name, "digest",
                           digest, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!image)
        return berth_bus_error_set(ret_error, error);
    BerthPendingCall *pending =
        berth_pending_call_new_charged(service, call, BERTH_RESOURCE_READS, ret_error);
    if (!pending)
        return -EBUSY;
    berth_images_read_info(service->images, name, image->target, platform, on_mount_info, pending);
    return 1;
}
