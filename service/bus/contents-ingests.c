/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Methods of org.berth1.Contents about ingests and about single objects of registries. An ingest
 * belongs to the user that started it, and its reference is a name chosen by that user: two users
 * may have ingests with the same reference, which the store distinguishes by their keys. An ingest
 * is committed or aborted, or it expires; the store owns it. There is no state here.
 */

#include "base/credentials.h"
#include "base/fd.h"
#include "bus/access.h"
#include "bus/contents-object.h"
#include "bus/lease-check.h"
#include "bus/options.h"
#include "bus/page.h"
#include "bus/pending-call.h"
#include "bus/remote-check.h"
#include "bus/viewer.h"
#include "images/push.h"
#include "store/provenance.h"

#include <errno.h>
#include <string.h>

/* An expected digest is among the details, so that rules can depend on it. The reply has the write
 * end of the pipe and the offset at which an earlier attempt stopped. */
int berth_contents_bus_ingest(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    const char *ref, *expected, *lease = "";
    uint64_t total, offset;
    uint32_t uid;
    int pipe, r;
    const BerthOption options[] = {{"Lease", "s", &lease}, {NULL, NULL, NULL}};

    if ((r = sd_bus_message_read(call, "sts", &ref, &total, &expected)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_access_check(service->access, call, ret_error, "write", "reference", ref, "digest",
                           expected[0] ? expected : NULL, "lease", lease[0] ? lease : NULL, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_lease_check(service, call, ret_error, lease);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    const BerthIngestRequest request = {ref, total, expected, lease, uid};
    if (!berth_contents_ingest(service->contents, &request, &pipe, &offset, &error))
        return berth_bus_error_set(ret_error, error);
    berth_autofd int writable = pipe;
    return sd_bus_reply_method_return(call, "ht", writable, offset);
}

static void on_committed(const char *digest, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "s", digest);
}

/* Finds an ingest of another user with that reference; if there are several, the oldest. */
static char *find_of_others(BerthContentStore *store, const char *ref) {
    g_autoptr(GPtrArray) list = berth_content_store_list_ingests(store, NULL);

    for (guint i = 0; list && i < list->len; i++) {
        const BerthIngestInfo *info = list->pdata[i];
        if (g_str_equal(info->ref, ref))
            return g_strdup(info->key);
    }
    return NULL;
}

/* Finds the caller's own ingest or, with the right to manage contents, one of another user. The
 * caller's own comes first, so that nobody can hide it with an ingest of the same reference.
 * expected is the digest if the member names one, otherwise NULL. *key is the ingest's key, if
 * there is one; use it only on BERTH_ACCESS_GRANTED. */
static int check_ingest(sd_bus_message *call, BerthService *service, sd_bus_error *ret_error,
                        const char *ref, const char *expected, char **key) {
    BerthContentStore *store = berth_contents_get_store(service->contents);
    g_auto(BerthIngestInfo) info = {0};
    uint32_t uid;
    int r = berth_access_get_uid(service->access, call, &uid);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!(*key = berth_content_store_find_ingest(store, uid, ref, NULL)))
        *key = find_of_others(store, ref);
    bool exists = *key && berth_content_store_status(store, *key, &info, NULL);
    const BerthOwnedObject ingest = {"reference", "ingest", ref, exists, info.owner};
    if (!expected)
        return berth_access_check_owned(service->access, call, ret_error, &ingest, "reference", ref,
                                        NULL);
    return berth_access_check_owned(service->access, call, ret_error, &ingest, "reference", ref,
                                    "digest", expected[0] ? expected : NULL, NULL);
}

int berth_contents_bus_commit(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autofree char *key = NULL;
    const char *ref, *expected;
    uint64_t size;
    int r;

    if ((r = sd_bus_message_read(call, "sts", &ref, &size, &expected)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = check_ingest(call, service, ret_error, ref, expected, &key);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_contents_commit_ingest(service->contents, key, size, expected, on_committed,
                                 berth_pending_call_new(service, call));
    return 1;
}

static int append_ingest(sd_bus_message *message, const BerthIngestInfo *info) {
    return sd_bus_message_append(message, "a{sv}", 5, "Offset", "t", info->offset, "Total", "t",
                                 info->total, "Started", "t", info->started_usec, "Updated", "t",
                                 info->updated_usec, "Owner", "u", info->owner);
}

int berth_contents_bus_status(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(sd_bus_message) reply = NULL;
    g_auto(BerthIngestInfo) info = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *key = NULL;
    const char *ref;
    int r;

    if ((r = sd_bus_message_read(call, "s", &ref)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = check_ingest(call, service, ret_error, ref, NULL, &key);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_content_store_status(berth_contents_get_store(service->contents), key, &info,
                                    &error))
        return berth_bus_error_set(ret_error, error);
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 ||
        (r = append_ingest(reply, &info)) < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

static gint compare_refs(gconstpointer a, gconstpointer b) {
    const BerthIngestInfo *first = *(BerthIngestInfo *const *)a;
    const BerthIngestInfo *second = *(BerthIngestInfo *const *)b;

    return strcmp(first->ref, second->ref);
}

/* Several users may use the same reference, so the key of a page is not unique here. */
int berth_contents_bus_list_ingests(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    const BerthOption options[] = {BERTH_PAGE_OPTIONS(page), {NULL, NULL, NULL}};
    g_autoptr(GError) error = NULL;
    sd_bus_message *item;
    BerthViewer viewer;
    int r = berth_options_read(call, options, ret_error);

    if (r < 0)
        return r;
    r = berth_viewer_find(call, service, &viewer);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(GPtrArray) list =
        berth_content_store_list_ingests(berth_contents_get_store(service->contents), &error);
    if (!list)
        return berth_bus_error_set(ret_error, error);
    g_ptr_array_sort(list, compare_refs);
    r = berth_page_open(&page, call, "(sa{sv})");
    for (guint i = 0; r > 0 && i < list->len; i++) {
        const BerthIngestInfo *info = list->pdata[i];
        if (berth_viewer_sees(&viewer, info->owner) && berth_page_wants(&page, info->ref) &&
            (r = berth_page_begin(&page, &item)) >= 0 &&
            (r = sd_bus_message_open_container(item, 'r', "sa{sv}")) >= 0 &&
            (r = sd_bus_message_append(item, "s", info->ref)) >= 0 &&
            (r = append_ingest(item, info)) >= 0 && (r = sd_bus_message_close_container(item)) >= 0)
            r = berth_page_add(&page);
    }
    return berth_page_send(&page, r);
}

int berth_contents_bus_abort(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_auto(sd_bus_error) hidden = SD_BUS_ERROR_NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *key = NULL;
    const char *ref;
    int r;

    if ((r = sd_bus_message_read(call, "s", &ref)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "write", "reference", ref, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = check_ingest(call, service, &hidden, ref, NULL, &key);
    if (r == BERTH_ACCESS_ASKING)
        return r;
    /* Aborting an ingest that does not exist succeeds. Aborting a hidden one must also succeed,
     * since a difference would reveal its existence. */
    if (sd_bus_error_has_name(&hidden, BERTH_ERROR_PREFIX "NotFound"))
        return sd_bus_reply_method_return(call, NULL);
    if (r < 0)
        return sd_bus_error_copy(ret_error, &hidden);
    if (!berth_contents_abort(service->contents, key, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, NULL);
}

static void on_object(int pipe, const BerthDescriptor *target, const GError *error,
                      void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "h(sst)", pipe, target->media_type,
                                   target->digest, target->size);
}

/* The request takes over the charge, since the pipe outlives the call. */
int berth_contents_bus_fetch_object(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_auto(BerthSecrets) credentials = NULL;
    g_auto(GStrv) media_types = NULL;
    const char *reference, *object;
    int insecure = 0, r;
    bool own;
    const BerthOption options[] = {
        {"MediaTypes", "as", &media_types},
        {"Insecure", "b", &insecure},
        {"Credentials", "a{ss}", &credentials},
        {NULL, NULL, NULL},
    };

    if ((r = sd_bus_message_read(call, "ss", &reference, &object)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    const BerthRemoteQuestion question = {reference, insecure, credentials};
    r = berth_remote_check(service, call, ret_error, "pull", &question, &own, "reference",
                           reference, "object", object, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    BerthCharge *charge = berth_bus_charge(service, call, BERTH_RESOURCE_QUESTIONS, ret_error);
    if (!charge)
        return -EBUSY;
    const BerthObjectRequest request = {
        .remote = {reference, object, insecure, credentials, own},
        .media_types = media_types,
        .client = sd_bus_message_get_sender(call),
        .charge = charge,
    };
    berth_contents_fetch_object(service->contents, &request, on_object,
                                berth_pending_call_new(service, call));
    return 1;
}

int berth_contents_bus_push_object(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_auto(BerthSecrets) credentials = NULL;
    const char *digest, *reference, *media_type = BERTH_MEDIA_UNKNOWN;
    int insecure = 0, r;
    bool own;
    uint32_t uid;
    const BerthOption options[] = {
        {"MediaType", "s", &media_type},
        {"Insecure", "b", &insecure},
        {"Credentials", "a{ss}", &credentials},
        {NULL, NULL, NULL},
    };

    if ((r = sd_bus_message_read(call, "ss", &digest, &reference)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    const BerthRemoteQuestion question = {reference, insecure, credentials};
    r = berth_remote_check(service, call, ret_error, "push", &question, &own, "digest", digest,
                           "reference", reference, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    /* The caller needs the right to read content that it did not bring itself: if it controls the
     * registry, it receives that content there. */
    if (!berth_provenance_may_name(service->database, uid, digest)) {
        r = berth_access_check(service->access, call, ret_error, "read", "digest", digest,
                               "reference", reference, NULL);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
    }
    const BerthPushRequest request = {
        .digest = digest,
        .media_type = media_type,
        .remote = {reference, digest, insecure, credentials, own},
        .owner = uid,
    };
    BerthTransfer *transfer = berth_push_start(service->images, &request, &error);
    return transfer ? berth_bus_reply_transfer(call, transfer)
                    : berth_bus_error_set(ret_error, error);
}
