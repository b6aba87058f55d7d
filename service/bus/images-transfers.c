/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Methods of org.berth1.Images that query registries, or that move images between the store and
 * registries or archives. The former answer later; the latter return a transfer, which owns the
 * work from then on. The one thing to know: credentials are in BerthSecrets and in the
 * message, which is erased when it is freed (berthd.c); they are passed on with the request, and
 * their values are never details of a question.
 */

#include "base/credentials.h"
#include "bus/access.h"
#include "bus/creators.h"
#include "bus/images-object.h"
#include "bus/import-names.h"
#include "bus/lease-check.h"
#include "bus/options.h"
#include "bus/pending-call.h"
#include "bus/remote-check.h"
#include "images/export.h"
#include "images/import.h"
#include "images/pull.h"
#include "images/push.h"
#include "store/provenance.h"

#include <errno.h>

static void on_resolved(const char *name, const BerthDescriptor *target, const GError *error,
                        void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "s(sst)", name, target->media_type,
                                   target->digest, target->size);
}

typedef enum { REMOTE_RESOLVE, REMOTE_AUTHENTICATE } RemoteQuery;

/* Charged like a question, since each call uses a process and a connection. */
static int query_remote(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                        RemoteQuery query) {
    const char *text;
    int insecure = 0, r;
    bool own = false;
    g_auto(BerthSecrets) credentials = NULL;
    const BerthOption options[] = {
        {"Insecure", "b", &insecure},
        {"Credentials", "a{ss}", &credentials},
        {NULL, NULL, NULL},
    };

    if ((r = sd_bus_message_read(call, "s", &text)) < 0 ||
        (r = berth_options_read(call, options, error)) < 0)
        return r;
    /* To authenticate, only the root of the registry is queried: the repository is a placeholder.
     */
    g_autofree char *reference =
        g_strconcat(text, query == REMOTE_AUTHENTICATE ? "/repository:tag" : NULL, NULL);
    const BerthRemoteQuestion question = {reference, insecure, credentials};
    r = berth_remote_check(service, call, error, "pull", &question, &own, "reference", text, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    const BerthRemoteRequest request = {
        .reference = reference, .insecure = insecure, .credentials = credentials, .own = own};
    BerthPendingCall *pending =
        berth_pending_call_new_charged(service, call, BERTH_RESOURCE_QUESTIONS, error);
    if (!pending)
        return -EBUSY;
    if (query == REMOTE_RESOLVE)
        berth_images_resolve(service->images, &request, on_resolved, pending);
    else
        berth_images_authenticate(service->images, &request, berth_pending_call_finish, pending);
    return 1;
}

int berth_images_bus_resolve(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return query_remote(call, userdata, error, REMOTE_RESOLVE);
}

int berth_images_bus_authenticate(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return query_remote(call, userdata, error, REMOTE_AUTHENTICATE);
}

/* Unpack takes a name in the store, which may be in the path; the other members take a
 * reference. */
static int read_pulled(sd_bus_message *call, BerthPullMode mode, char **reference) {
    const char *text;

    if (mode == BERTH_PULL_UNPACK)
        return berth_image_read_name(call, reference);
    int r = sd_bus_message_read(call, "s", &text);
    if (r >= 0)
        *reference = g_strdup(text);
    return r;
}

/* A user who has authenticated for an import may also unpack the imported images. The digest is
 * part of the entry: if the name refers to another image by now, the user is asked again. */
static int check_unpack(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                        const char *name) {
    g_autoptr(BerthImage) image = berth_image_store_get(service->database, name, NULL);
    g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    if (image && berth_creators_is_of_image(service, name, image->target->digest, call))
        berth_access_set_authenticated(service->access, call);
    g_ptr_array_add(lists, berth_access_new_details("image", name, NULL));
    return berth_access_check_many(service->access, call, error, "pull", lists);
}

/* Common to Fetch, Pull and Unpack. Transfers that query a registry are recorded (lasting), and the
 * next start of the service resumes them. own is which of the service's own credentials polkit has
 * allowed. */
static int start_pull(sd_bus_message *call, BerthService *service, sd_bus_error *ret_error,
                      BerthPullMode mode) {
    g_autoptr(GError) error = NULL;
    g_autofree char *reference = NULL;
    const char *platform = NULL, *lease = "";
    g_auto(BerthSecrets) credentials = NULL;
    int insecure = 0, all_platforms = 0, r;
    bool own = false;
    uint32_t uid;
    const BerthOption options[] = {
        {"Platform", "s", &platform}, {"AllPlatforms", "b", &all_platforms},
        {"Insecure", "b", &insecure}, {"Credentials", "a{ss}", &credentials},
        {"Lease", "s", &lease},       {NULL, NULL, NULL},
    };

    if ((r = read_pulled(call, mode, &reference)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    const BerthRemoteQuestion question = {reference, insecure, credentials};
    r = mode == BERTH_PULL_UNPACK
            ? check_unpack(service, call, ret_error, reference)
            : berth_remote_check(service, call, ret_error, "pull", &question, &own, "reference",
                                 reference, "lease", lease[0] ? lease : NULL, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_lease_check(service, call, ret_error, lease);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    const BerthPullRequest request = {
        .mode = mode,
        .reference = reference,
        .platform = platform,
        .all_platforms = all_platforms,
        .insecure = insecure,
        .credentials = credentials,
        .own = own,
        .lease = lease,
        .owner = uid,
        .lasting = mode != BERTH_PULL_UNPACK,
    };
    BerthTransfer *transfer = berth_pull_start(service->images, &request, &error);
    return transfer ? berth_bus_reply_transfer(call, transfer)
                    : berth_bus_error_set(ret_error, error);
}

int berth_images_bus_fetch(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return start_pull(call, userdata, error, BERTH_PULL_FETCH);
}

int berth_images_bus_pull(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return start_pull(call, userdata, error, BERTH_PULL_PULL);
}

int berth_images_bus_unpack(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return start_pull(call, userdata, error, BERTH_PULL_UNPACK);
}

/* A name may lead to content that only others hold: to its base, after a commit of a container on
 * an image of theirs, or to all of it, if they gave it the same target. Holding the name does not
 * include the right to read that content. */
static bool holds_image(BerthService *service, const char *name, uint32_t uid) {
    g_autoptr(BerthImage) image = berth_image_store_get(service->database, name, NULL);

    return image &&
           berth_provenance_holds_reached(service->database, name, image->target->digest, uid);
}

int berth_images_bus_push(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_auto(BerthSecrets) credentials = NULL;
    g_autofree char *name = NULL;
    const char *reference, *platform = NULL;
    int insecure = 0, r;
    bool own = false;
    uint32_t uid;
    const BerthOption options[] = {
        {"Platform", "s", &platform},
        {"Insecure", "b", &insecure},
        {"Credentials", "a{ss}", &credentials},
        {NULL, NULL, NULL},
    };

    if ((r = berth_image_read_name(call, &name)) < 0 ||
        (r = sd_bus_message_read(call, "s", &reference)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    /* Names are references: without an explicit reference, the image is pushed to where it came
     * from. */
    if (reference[0] == '\0')
        reference = name;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    const BerthRemoteQuestion question = {reference, insecure, credentials};
    r = berth_remote_check(service, call, ret_error, "push", &question, &own, "image", name,
                           "reference", reference, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    bool held = uid != 0 && holds_image(service, name, uid);
    /* The registry receives everything that the name refers to. For a name that does not exist,
     * polkit is asked in the same way. */
    if (uid != 0 && !held) {
        r = berth_access_check(service->access, call, ret_error, "read", "image", name, "reference",
                               reference, NULL);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
    }
    const BerthPushRequest request = {
        .name = name,
        .remote = {reference, "", insecure, credentials, own},
        .platform = platform,
        .owner = uid,
        .held_alone = held,
    };
    BerthTransfer *transfer = berth_push_start(service->images, &request, &error);
    return transfer ? berth_bus_reply_transfer(call, transfer)
                    : berth_bus_error_set(ret_error, error);
}

/* The names in the archive are not known yet; the asker asks polkit about each of them later. */
int berth_images_bus_import(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    BerthImportRequest request = {.name = "", .lease = ""};
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) command = NULL;
    int rootfs = 0, r;
    const BerthOption options[] = {
        {"Name", "s", &request.name},   {"RootFS", "b", &rootfs},
        {"Command", "as", &command},    {"Platform", "s", &request.platform},
        {"Lease", "s", &request.lease}, {NULL, NULL, NULL},
    };

    if ((r = sd_bus_message_read(call, "h", &request.archive)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &request.owner);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_access_check(service->access, call, ret_error, "manage", "image", request.name,
                           "lease", request.lease[0] ? request.lease : NULL, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_lease_check(service, call, ret_error, request.lease);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    request.rootfs = rootfs;
    request.command = command;
    /* polkit is not asked about root. An import with an asker needs its caller on the bus until the
     * names are known; root's import also continues after root's client has left. */
    request.asker = request.owner == 0 ? NULL : berth_import_names_new(service, call);
    BerthTransfer *transfer = berth_import_start(service->images, &request, &error);
    return transfer ? berth_bus_reply_transfer(call, transfer)
                    : berth_bus_error_set(ret_error, error);
}

/* Rules are consulted for each image; the user is asked once for all of them. */
static int check_export(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                        char *const *names) {
    g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    for (char *const *name = names; name && *name; name++)
        g_ptr_array_add(lists, berth_access_new_details("image", *name, NULL));
    return berth_access_check_many(service->access, call, error, "read", lists);
}

int berth_images_bus_export(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    BerthExportRequest request = {0};
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) names = NULL;
    int r;
    const BerthOption options[] = {{"Platform", "s", &request.platform}, {NULL, NULL, NULL}};

    if ((r = sd_bus_message_read_strv(call, &names)) < 0 ||
        (r = sd_bus_message_read(call, "h", &request.output)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &request.owner);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = check_export(service, call, ret_error, names);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    char *none[] = {NULL};
    request.names = names ? names : none;
    BerthTransfer *transfer = berth_export_start(service->images, &request, &error);
    return transfer ? berth_bus_reply_transfer(call, transfer)
                    : berth_bus_error_set(ret_error, error);
}
