/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/transfers, org.berth1.Transfers, and /org/berth1/transfers/N, org.berth1.Transfer. A
 * transfer is visible to the user who started it, and to clients that may inspect objects of other
 * users. transfers/ owns the transfers; transfer-waiters.c has the unanswered calls of Wait. The
 * one thing to know: the end of a transfer is a single signal with everything that a proxy needs:
 * the state, and the result or error.
 */

#include "bus/access.h"
#include "bus/audit.h"
#include "bus/objects.h"
#include "bus/options.h"
#include "bus/service.h"
#include "bus/transfer-waiters.h"
#include "bus/watchers.h"

#include <string.h>

#define PREFIX BERTH_BUS_ROOT "/transfers"
#define INTERFACE "org.berth1.Transfer"

/* The progress of a running transfer as last sent to watchers. */
typedef struct {
    uint64_t done, total;
} SentProgress;

static GHashTable *sent_progress; /* transfer → SentProgress */

static const BerthTransfer *get_transfer(void *view) {
    return ((const BerthView *)view)->object;
}

/* Also returns NULL for a path that does not end in a number; it leads to NotFound, like a transfer
 * that has expired. */
static BerthTransfer *find_by_path(BerthService *service, const char *path) {
    char *end;

    if (!g_str_has_prefix(path, PREFIX "/"))
        return NULL;
    guint64 number = g_ascii_strtoull(path + strlen(PREFIX "/"), &end, 10);
    return *end == '\0' ? berth_transfers_find(service->transfers, number) : NULL;
}

/* Only Cancel needs a right over transfers of other users; the other members need only the right to
 * see them. Sets *found on BERTH_ACCESS_GRANTED. */
static int transfer_check(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                          bool cancels, BerthTransfer **found) {
    const char *path = sd_bus_message_get_path(call);
    const char *number = g_str_has_prefix(path, PREFIX "/") ? path + strlen(PREFIX "/") : path;
    BerthTransfer *transfer = *found = find_by_path(service, path);
    const BerthOwnedObject object = {"transfer", "transfer", number, transfer != NULL,
                                     transfer ? transfer->owner : 0};
    g_autofree char *owner = transfer ? g_strdup_printf("%u", transfer->owner) : NULL;

    return cancels
               ? berth_access_check_owned(service->access, call, error, &object, "transfer", number,
                                          "reference", transfer ? transfer->reference : NULL,
                                          "owner", owner, NULL)
               : berth_access_check_owned(service->access, call, error, &object, NULL);
}

/* A grant implies that the transfer exists: berth_access_check_owned() replies NotFound
 * otherwise. */
static int transfers_method_wait(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;
    BerthTransfer *transfer;
    int r = berth_options_read_none(call, error);

    if (r < 0 ||
        (r = transfer_check(call, service, error, false, &transfer)) != BERTH_ACCESS_GRANTED)
        return r;
    g_assert(transfer);
    berth_transfer_waiters_add(service, transfer, call);
    return 1;
}

/* A transfer that has already ended is not changed; that is not an error. */
static int method_cancel(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthTransfer *transfer;
    int r = berth_options_read_none(call, error);

    if (r < 0 ||
        (r = transfer_check(call, userdata, error, true, &transfer)) != BERTH_ACCESS_GRANTED)
        return r;
    berth_transfer_cancel(transfer);
    return sd_bus_reply_method_return(call, NULL);
}

BERTH_PROPERTY_GETTER(get_text) {
    const BerthTransfer *transfer = get_transfer(view);
    const char *text = g_str_equal(property, "Kind")        ? transfer->kind
                       : g_str_equal(property, "Reference") ? transfer->reference
                                                            : berth_transfer_get_state(transfer);

    return sd_bus_message_append(reply, "s", text);
}

BERTH_PROPERTY_GETTER(get_owner) {
    const BerthTransfer *transfer = get_transfer(view);

    return sd_bus_message_append(reply, "u", transfer->owner);
}

BERTH_PROPERTY_GETTER(get_sum) {
    const BerthTransfer *transfer = get_transfer(view);
    uint64_t done, total;

    berth_transfer_sum(transfer, &done, &total);
    return sd_bus_message_append(reply, "t", g_str_equal(property, "Done") ? done : total);
}

BERTH_PROPERTY_GETTER(get_items) {
    return berth_transfer_append_items(reply, get_transfer(view));
}

BERTH_PROPERTY_GETTER(get_started) {
    return sd_bus_message_append(reply, "t", get_transfer(view)->started_usec);
}

BERTH_PROPERTY_GETTER(get_cancelable) {
    return sd_bus_message_append(reply, "b", get_transfer(view)->state == BERTH_TRANSFER_RUNNING);
}

/* Empty until the transfer is done. */
BERTH_PROPERTY_GETTER(get_result) {
    return berth_transfer_append_result(reply, &get_transfer(view)->result);
}

/* The error with which Wait fails; empty strings unless the transfer has failed. */
BERTH_PROPERTY_GETTER(get_error) {
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    const BerthTransfer *transfer = get_transfer(view);

    if (transfer->error)
        berth_bus_error_set(&error, transfer->error);
    return sd_bus_message_append(reply, "(ss)", error.name ? error.name : "",
                                 error.message ? error.message : "");
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                            method_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Wait", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("a{sv}", result),
                            transfers_method_wait, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Kind", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Reference", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Owner", "u", get_owner, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Started", "t", get_started, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("State", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Cancelable", "b", get_cancelable, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Done", "t", get_sum, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Total", "t", get_sum, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Result", "a{sv}", get_result, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Error", "(ss)", get_error, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Items", "a(sstt)", get_items, 0, 0),
    SD_BUS_SIGNAL_WITH_ARGS("Progress", SD_BUS_ARGS("t", done, "t", total, "a(sstt)", items), 0),
    SD_BUS_VTABLE_END,
};

static int visit_transfers(BerthService *service, const BerthViewer *viewer, const char *after,
                           BerthObjectVisit visit, void *userdata);

static const BerthObjectKind transfer_kind = {
    .interface = INTERFACE,
    .path = PREFIX,
    .detail = "transfer",
    .action = "containers.inspect",
    .plain = true,
    .vtable = vtable,
    .visit = visit_transfers,
};

static BerthObject make_transfer_object(const BerthTransfer *transfer, char number[static 24]) {
    g_snprintf(number, 24, "%" G_GUINT64_FORMAT, transfer->number);
    return (BerthObject){.kind = &transfer_kind,
                         .name = number,
                         .owned = true,
                         .owner = transfer->owner,
                         .data = (void *)transfer};
}

/* Transfers are sorted by their numbers. */
static int visit_transfers(BerthService *service, const BerthViewer *viewer, const char *after,
                           BerthObjectVisit visit, void *userdata) {
    GPtrArray *list = berth_transfers_list(service->transfers);
    uint64_t last = g_ascii_strtoull(after, NULL, 10);
    int r = 1;

    for (guint i = 0; r > 0 && i < list->len; i++) {
        const BerthTransfer *transfer = list->pdata[i];
        char number[24];
        const BerthObject object = make_transfer_object(transfer, number);
        if (berth_viewer_sees(viewer, transfer->owner) && transfer->number > last)
            r = visit(&object, userdata);
    }
    return r;
}

static int transfer_open(sd_bus_message *call, BerthView *view, sd_bus_error *error) {
    BerthService *service = view->service;
    int r = transfer_check(call, service, error, false, (BerthTransfer **)&view->object);

    if (r == BERTH_ACCESS_GRANTED && berth_properties_is_get_all(call))
        berth_watchers_add(service->watchers, sd_bus_message_get_sender(call),
                           sd_bus_message_get_path(call));
    return r;
}

/* Sends only the properties that have changed since they were last sent; many changes of a transfer
 * do not affect these sums. */
static void report_progress(BerthService *service, const BerthTransfer *transfer) {
    char number[24];
    const BerthObject object = make_transfer_object(transfer, number);
    const char *changed[3] = {NULL};
    SentProgress *last = g_hash_table_lookup(sent_progress, transfer), now;
    size_t count = 0;

    berth_transfer_sum(transfer, &now.done, &now.total);
    if (!last)
        return;
    if (now.done != last->done)
        changed[count++] = "Done";
    if (now.total != last->total)
        changed[count++] = "Total";
    *last = now;
    if (count > 0)
        berth_watchers_send_changed(service->watchers, &object, changed, NULL);
}

static void report_end(BerthService *service, const BerthTransfer *transfer) {
    static const char *const done[] = {"State", "Cancelable", "Done", "Total", "Result", NULL};
    static const char *const failed[] = {"State", "Cancelable", "Done", "Total", "Error", NULL};
    char number[24];
    const BerthObject object = make_transfer_object(transfer, number);

    g_hash_table_remove(sent_progress, transfer);
    berth_watchers_send_changed(service->watchers, &object, transfer->error ? failed : done, NULL);
}

static void report_presence(BerthService *service, const BerthTransfer *transfer, bool added) {
    char number[24];
    const BerthObject object = make_transfer_object(transfer, number);

    if (added) {
        g_hash_table_insert(sent_progress, (gpointer)transfer, g_new0(SentProgress, 1));
        berth_watchers_send_added(service->watchers, &object);
    } else {
        berth_watchers_send_removed(service->watchers, &object);
    }
}

/* At the end, the order is: signals, so that they normally arrive before Wait returns; then the
 * audit, which follows the transfer; then the replies. */
static void on_transfer_change(BerthTransfer *transfer, BerthTransferChange change,
                               void *userdata) {
    BerthService *service = userdata;

    if (change == BERTH_TRANSFER_ADDED || change == BERTH_TRANSFER_REMOVED) {
        report_presence(service, transfer, change == BERTH_TRANSFER_ADDED);
        return;
    }
    berth_transfer_waiters_send_progress(service, transfer);
    if (change != BERTH_TRANSFER_FINISHED) {
        report_progress(service, transfer);
        return;
    }
    report_end(service, transfer);
    berth_audit_transfer_ended(transfer);
    berth_transfer_waiters_answer(transfer);
}

static const sd_bus_vtable list_vtable[] = {
    SD_BUS_VTABLE_START(0),
    BERTH_OBJECTS_LIST(transfers),
    SD_BUS_VTABLE_END,
};

int berth_transfers_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = INTERFACE, .vtable = vtable, .open = transfer_open};

    berth_transfer_waiters_open();
    sent_progress = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    berth_transfers_observe(service->transfers, on_transfer_change, service);
    int r = berth_objects_add_kind(service, &transfer_kind, &source);
    return r < 0
               ? r
               : berth_objects_add_collection(service, PREFIX, "org.berth1.Transfers", list_vtable);
}
