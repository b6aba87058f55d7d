/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/contents, org.berth1.Contents: the blobs in the store. There is one bus object,
 * without state; the content store owns the blobs. Ingests and single objects of registries are in
 * contents-ingests.c; what keeps a blob and what uses space is in contents-usage.c. The one thing
 * to know: on this interface a blob has no owner; a caller with the right contents.read sees all of
 * them.
 */

#include "base/fd.h"
#include "bus/access.h"
#include "bus/contents-object.h"
#include "bus/objects.h"
#include "bus/options.h"
#include "bus/page.h"
#include "bus/pending-call.h"
#include "bus/unicast.h"
#include "containers/spec/privilege-names.h"
#include "images/apply.h"
#include "images/verify.h"

#include <errno.h>
#include <string.h>

#define PATH BERTH_BUS_ROOT "/contents"
#define INTERFACE "org.berth1.Contents"

enum { MAX_READ_BYTES = 1024 * 1024 };

static BerthContentStore *store_of(BerthService *service) {
    return berth_contents_get_store(service->contents);
}

/* Reads the arguments of a member that takes a digest and options, of which there are none yet. */
static int read_digest(sd_bus_message *call, const char **digest, sd_bus_error *error) {
    int r = sd_bus_message_read(call, "s", digest);

    return r < 0 ? r : berth_options_read_none(call, error);
}

/* Appends the properties of a blob as a{sv}. */
static int append_blob(sd_bus_message *message, BerthService *service, const BerthBlob *blob) {
    g_auto(GStrv) labels = berth_database_get_labels(service->database, "blob", blob->digest);
    g_autofree char *type = berth_content_store_get_type(store_of(service), blob->digest);
    int r;

    if ((r = sd_bus_message_open_container(message, 'a', "{sv}")) < 0 ||
        (r = sd_bus_message_append(message, "{sv}{sv}{sv}", "Size", "t", blob->size, "Committed",
                                   "t", blob->committed_usec, "MediaType", "s", type ? type : "")) <
            0 ||
        (r = berth_bus_append_labels_entry(message, labels)) < 0)
        return r;
    return sd_bus_message_close_container(message);
}

static int method_info(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(sd_bus_message) reply = NULL;
    g_auto(BerthBlob) blob = {0};
    g_autoptr(GError) error = NULL;
    const char *digest;
    int r = read_digest(call, &digest, ret_error);

    if (r < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "read", "digest", digest, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_content_store_info(store_of(service), digest, &blob, &error))
        return berth_bus_error_set(ret_error, error);
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 ||
        (r = append_blob(reply, service, &blob)) < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

/* Returns like berth_page_add(): 1, 0 if the page is full, or a negative errno. */
static int add_blob(BerthPage *page, BerthService *service, const BerthBlob *blob) {
    sd_bus_message *item;
    int r;

    if ((r = berth_page_begin(page, &item)) < 0 ||
        (r = sd_bus_message_open_container(item, 'r', "sa{sv}")) < 0 ||
        (r = sd_bus_message_append(item, "s", blob->digest)) < 0 ||
        (r = append_blob(item, service, blob)) < 0 ||
        (r = sd_bus_message_close_container(item)) < 0)
        return r;
    return berth_page_add(page);
}

static int contents_method_list(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    g_autoptr(GError) error = NULL;
    uint64_t min = 0, max = UINT64_MAX;
    const BerthOption options[] = {
        {"MinSize", "t", &min},
        {"MaxSize", "t", &max},
        BERTH_PAGE_OPTIONS(page),
        {NULL, NULL, NULL},
    };
    int r = berth_options_read(call, options, ret_error);

    if (r < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "read", NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(GPtrArray) blobs = berth_content_store_list(store_of(service), &error);
    if (!blobs)
        return berth_bus_error_set(ret_error, error);
    /* Sorted by digest, which is the key of a page: a blob that is committed or deleted between two
     * pages neither repeats nor hides another one. */
    berth_page_sort(blobs);
    r = berth_page_open(&page, call, "(sa{sv})");
    for (guint i = 0; r > 0 && i < blobs->len; i++) {
        const BerthBlob *blob = blobs->pdata[i];
        if (berth_page_wants(&page, blob->digest) && blob->size >= min && blob->size <= max)
            r = add_blob(&page, service, blob);
    }
    return berth_page_send(&page, r);
}

/* The message duplicates the descriptor; ours is closed here. */
static int contents_method_open(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    const char *digest;
    int r = read_digest(call, &digest, ret_error);

    if (r < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "read", "digest", digest, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_autofd int fd = berth_content_store_open_blob(store_of(service), digest, &error);
    if (fd < 0)
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, "h", fd);
}

/* At the end of the blob, the reply is shorter than length. */
static int contents_method_read(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GError) error = NULL;
    const char *digest;
    uint64_t offset, length;
    int r;

    if ((r = sd_bus_message_read(call, "stt", &digest, &offset, &length)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "read", "digest", digest, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    /* The limit is low because the read happens in the event loop. pread(2) takes a signed
     * offset. */
    if (length > MAX_READ_BYTES || offset > INT64_MAX)
        return sd_bus_error_setf(ret_error, BERTH_ERROR_PREFIX "LimitExceeded",
                                 "a call reads at most %d bytes", MAX_READ_BYTES);
    berth_autofd int fd = berth_content_store_open_blob(store_of(service), digest, &error);
    if (fd < 0)
        return berth_bus_error_set(ret_error, error);
    g_autofree char *data = g_malloc(length + 1);
    ssize_t got = pread(fd, data, length, (off_t)offset);
    if (got < 0) {
        berth_error_set_errno(&error, errno, "read blob %s", digest);
        return berth_bus_error_set(ret_error, error);
    }
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 ||
        (r = sd_bus_message_append_array(reply, 'y', data, (size_t)got)) < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

/* The second question only decides what the error may reveal: the images that need the blob are
 * named only to callers that may see images. */
static int contents_method_delete(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    const char *digest;
    int force = 0, r;
    bool sees_images;
    const BerthOption options[] = {{"Force", "b", &force}, {NULL, NULL, NULL}};

    if ((r = sd_bus_message_read(call, "s", &digest)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "manage", "digest", digest, NULL);
    if (r != BERTH_ACCESS_GRANTED ||
        (r = berth_access_query(service->access, call, &sees_images, "images", "digest", digest,
                                NULL)) != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_contents_delete(service->contents, digest, force, sees_images, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, NULL);
}

/* The blob is looked up first; otherwise labels for a digest that is not in the store would be kept
 * for nothing. */
static int method_set_labels(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) labels = NULL;
    g_auto(BerthBlob) blob = {0};
    const char *digest;
    int r;

    if ((r = sd_bus_message_read(call, "s", &digest)) < 0 ||
        (r = berth_options_read_map(call, &labels)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "manage", "digest", digest, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_content_store_info(store_of(service), digest, &blob, &error) ||
        !berth_database_set_labels(service->database, "blob", digest, labels, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, NULL);
}

/* The transfer belongs to the caller, and so does whatever is fetched again. */
static int method_verify(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    int refetch = 0, r;
    uint32_t uid;
    const BerthOption options[] = {{"Refetch", "b", &refetch}, {NULL, NULL, NULL}};

    if ((r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_access_check(service->access, call, ret_error, "manage", NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    const BerthVerifyRequest request = {.refetch = refetch, .owner = uid};
    BerthTransfer *transfer = berth_verify_start(service->images, &request, &error);
    return transfer ? berth_bus_reply_transfer(call, transfer)
                    : berth_bus_error_set(ret_error, error);
}

/* The path, as the kernel knows it, is used only in the question to polkit; the operation itself
 * uses the descriptor. */
static int contents_method_apply(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) digests = NULL;
    char *none[] = {NULL};
    uint32_t uid;
    int directory, r;

    if ((r = sd_bus_message_read_strv(call, &digests)) < 0 ||
        (r = sd_bus_message_read(call, "h", &directory)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autofree char *described = berth_apply_describe_directory(directory);
    g_autofree char *path = berth_privileges_escape(described);
    g_autofree char *joined = digests ? g_strjoinv(" ", digests) : NULL;
    r = berth_access_check(service->access, call, ret_error, "apply", "digest", joined, "path",
                           path, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    const BerthApplyRequest request = {digests ? digests : none, directory, uid};
    BerthTransfer *transfer = berth_apply_start(service->images, &request, &error);
    return transfer ? berth_bus_reply_transfer(call, transfer)
                    : berth_bus_error_set(ret_error, error);
}

typedef struct {
    const char *digest;
    uint64_t size;
    BerthContentChange change;
} Change;

/* Called once for each watching client. Returns NULL if the signal cannot be created. */
static sd_bus_message *make_content_signal(BerthService *service, const void *data) {
    const Change *change = data;
    g_autoptr(sd_bus_message) signal = NULL;

    if (sd_bus_message_new_signal(service->bus, &signal, PATH, INTERFACE,
                                  change->change == BERTH_CONTENT_COMMITTED ? "Committed"
                                                                            : "Deleted") < 0 ||
        sd_bus_message_append(signal, "st", change->digest, change->size) < 0)
        return NULL;
    return g_steal_pointer(&signal);
}

/* Sent to each client individually, and only to clients that have the right to read this digest. */
static void on_content_change(const char *digest, uint64_t size, BerthContentChange change,
                              void *userdata) {
    const Change data = {digest, size, change};
    const BerthSignalRight right = {"contents.read", "digest", digest};
    BerthService *service = userdata;

    berth_unicast_send_to_listeners(service->unicast, "Contents", make_content_signal, &data,
                                    &right);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Info", SD_BUS_ARGS("s", digest, "a{sv}", options),
                            SD_BUS_RESULT("a{sv}", properties), method_info,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("a{sv}", options),
                            SD_BUS_RESULT("a(sa{sv})", contents), contents_method_list,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Open", SD_BUS_ARGS("s", digest, "a{sv}", options),
                            SD_BUS_RESULT("h", content), contents_method_open,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "Read", SD_BUS_ARGS("s", digest, "t", offset, "t", length, "a{sv}", options),
        SD_BUS_RESULT("ay", data), contents_method_read, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("s", digest, "a{sv}", options), SD_BUS_NO_RESULT,
                            contents_method_delete, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("SetLabels",
                            SD_BUS_ARGS("s", digest, "a{ss}", labels, "a{sv}", options),
                            SD_BUS_NO_RESULT, method_set_labels, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Verify", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", transfer),
                            method_verify, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Apply", SD_BUS_ARGS("as", digests, "h", directory, "a{sv}", options),
                            SD_BUS_RESULT("o", transfer), contents_method_apply,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("s", digest, "a{sv}", options),
                            SD_BUS_RESULT("a(sa{sv})", keepers), berth_contents_bus_explain,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Usage", SD_BUS_ARGS("a{sv}", options),
                            SD_BUS_RESULT("a(sa{sv})", usage), berth_contents_bus_usage,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Ingest",
                            SD_BUS_ARGS("s", ref, "t", total, "s", expected, "a{sv}", options),
                            SD_BUS_RESULT("h", pipe, "t", offset), berth_contents_bus_ingest,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "Commit", SD_BUS_ARGS("s", ref, "t", size, "s", expected, "a{sv}", options),
        SD_BUS_RESULT("s", digest), berth_contents_bus_commit, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Status", SD_BUS_ARGS("s", ref, "a{sv}", options),
                            SD_BUS_RESULT("a{sv}", properties), berth_contents_bus_status,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListIngests", SD_BUS_ARGS("a{sv}", options),
                            SD_BUS_RESULT("a(sa{sv})", ingests), berth_contents_bus_list_ingests,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Abort", SD_BUS_ARGS("s", ref, "a{sv}", options), SD_BUS_NO_RESULT,
                            berth_contents_bus_abort, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("FetchObject",
                            SD_BUS_ARGS("s", reference, "s", object, "a{sv}", options),
                            SD_BUS_RESULT("h", pipe, "(sst)", target),
                            berth_contents_bus_fetch_object, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "PushObject", SD_BUS_ARGS("s", digest, "s", reference, "a{sv}", options),
        SD_BUS_RESULT("o", transfer), berth_contents_bus_push_object, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL_WITH_ARGS("Committed", SD_BUS_ARGS("s", digest, "t", size), 0),
    SD_BUS_SIGNAL_WITH_ARGS("Deleted", SD_BUS_ARGS("s", digest, "t", size), 0),
    SD_BUS_VTABLE_END,
};

/* The object has no properties, but a proxy requests all of them when it is created, and receives
 * signals from then on. */
static int contents_open(sd_bus_message *call, BerthView *view, sd_bus_error *error) {
    BerthService *service = view->service;
    int r = berth_access_get_uid(service->access, call, &view->viewer.uid);

    (void)error;
    if (r == BERTH_ACCESS_GRANTED && berth_properties_is_get_all(call))
        berth_unicast_add_listener(service->unicast, "Contents", "GetAll",
                                   sd_bus_message_get_sender(call));
    return r;
}

int berth_contents_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = INTERFACE, .vtable = vtable, .open = contents_open};

    berth_contents_observe(service->contents, on_content_change, service);
    return berth_objects_add_single(service, PATH, &source);
}
