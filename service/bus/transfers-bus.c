/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/transfers, org.berth1.Transfers, and /org/berth1/transfers/N, org.berth1.Transfer. A
 * transfer is seen by the user who began it, and by clients that may inspect what others own.
 * transfers/ owns the transfers; here is a Waiter for each unanswered call of Wait, freed when the
 * transfer ends or the caller leaves. The one thing to know: the end of a transfer is one signal
 * with everything that a proxy needs: state, and result or error.
 */

#include "base/limits.h"
#include "base/operation.h"
#include "bus/access.h"
#include "bus/audit.h"
#include "bus/dispatch.h"
#include "bus/options.h"
#include "bus/page.h"
#include "bus/pending-call.h"
#include "bus/properties.h"
#include "bus/service.h"
#include "bus/unicast.h"
#include "bus/watchers.h"

#include <string.h>

#define PREFIX BERTH_BUS_ROOT "/transfers"
#define INTERFACE "org.berth1.Transfer"

/* A call of Wait that is not answered yet. */
typedef struct {
    BerthTransfer *transfer;
    BerthPendingCall *pending;
    BerthOperation *operation;
} Waiter;

static GPtrArray *waiters; /* of Waiter, owned */

/* The progress of a running transfer that watchers were sent last. */
typedef struct {
    uint64_t done, total;
} SentProgress;

static GHashTable *sent_progress; /* transfer → SentProgress */

static const BerthTransfer *get_transfer(void *view) {
    return ((const BerthView *)view)->object;
}

static BerthTransfer *find_by_path(BerthService *service, const char *path) {
    char *end;

    if (!g_str_has_prefix(path, PREFIX "/"))
        return NULL;
    guint64 number = g_ascii_strtoull(path + strlen(PREFIX "/"), &end, 10);
    return *end == '\0' ? berth_transfers_find(service->transfers, number) : NULL;
}

/* Only Cancel needs a right over the transfers of others; the other members need to see them. On
 * BERTH_ACCESS_GRANTED *found is set. */
static int transfer_check(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                          bool cancels, BerthTransfer **found) {
    const char *path = sd_bus_message_get_path(call);
    const char *number = g_str_has_prefix(path, PREFIX "/") ? path + strlen(PREFIX "/") : path;
    BerthTransfer *transfer = *found = find_by_path(service, path);
    const BerthOwned object = {"transfer", "transfer", number, transfer != NULL,
                               transfer ? transfer->owner : 0};
    g_autofree char *owner = transfer ? g_strdup_printf("%u", transfer->owner) : NULL;

    return cancels
               ? berth_access_check_owned(service->access, call, error, &object, "transfer", number,
                                          "reference", transfer ? transfer->reference : NULL,
                                          "owner", owner, NULL)
               : berth_access_check_owned(service->access, call, error, &object, NULL);
}

static int append_result(sd_bus_message *reply, const BerthTransferResult *result) {
    int r = sd_bus_message_open_container(reply, 'a', "{sv}");

    if (r >= 0 && result->name)
        r = sd_bus_message_append(reply, "{sv}", "Name", "s", result->name);
    if (r >= 0 && result->target)
        r = sd_bus_message_append(reply, "{sv}", "Target", "(sst)", result->target->media_type,
                                  result->target->digest, result->target->size);
    if (r >= 0 && result->chain_id)
        r = sd_bus_message_append(reply, "{sv}", "ChainId", "s", result->chain_id);
    if (r >= 0 && result->damaged)
        r = berth_options_append_strings(reply, "Damaged", result->damaged);
    if (r >= 0 && result->names)
        r = berth_options_append_strings(reply, "Names", result->names);
    if (r >= 0 && result->warnings && result->warnings[0])
        r = berth_options_append_strings(reply, "Warnings", result->warnings);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* The result is a part of its own, which is cut if the reply would become too large. */
static void answer_wait(sd_bus_message *call, const BerthTransfer *transfer) {
    g_autoptr(sd_bus_message) reply = NULL, part = NULL;

    if (transfer->error)
        berth_bus_reply_error(call, transfer->error);
    else if (sd_bus_message_new_method_return(call, &reply) >= 0 &&
             berth_part_new(call, &part) >= 0 && append_result(part, &transfer->result) >= 0 &&
             berth_part_copy(reply, part, BERTH_MAX_REPLY_BYTES / 2) >= 0)
        sd_bus_send(NULL, reply, NULL);
}

/* The caller has left: the waiter ends without a reply, and the transfer goes on. */
static void cancel_waiter(void *userdata, const GError *error) {
    Waiter *waiter = userdata;

    (void)error;
    berth_operation_abandon(waiter->operation);
    berth_pending_call_free(waiter->pending);
    g_ptr_array_remove_fast(waiters, waiter);
}

static int method_wait(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    static const BerthOperationType type = {.cancel = cancel_waiter};
    BerthService *service = userdata;
    BerthTransfer *transfer;
    int r = berth_options_read_none(call, error);

    if (r < 0 ||
        (r = transfer_check(call, service, error, false, &transfer)) != BERTH_ACCESS_GRANTED)
        return r;
    g_assert(transfer);
    if (transfer->state != BERTH_TRANSFER_RUNNING) {
        answer_wait(call, transfer);
        return 1;
    }
    Waiter *waiter = g_new0(Waiter, 1);
    *waiter = (Waiter){transfer, berth_pending_call_new(service, call),
                       berth_operation_new(service->event, &type, waiter)};
    g_ptr_array_add(waiters, waiter);
    berth_operation_set_caller(waiter->operation, waiter->pending, NULL);
    return 1;
}

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

static int append_items(sd_bus_message *message, const BerthTransfer *transfer) {
    int r = sd_bus_message_open_container(message, 'a', "(sstt)");

    for (guint i = 0; r >= 0 && i < transfer->items->len; i++) {
        const BerthTransferItem *item = transfer->items->pdata[i];
        r = sd_bus_message_append(message, "(sstt)", item->object, item->phase,
                                  MIN(item->done, item->total), item->total);
    }
    return r < 0 ? r : sd_bus_message_close_container(message);
}

BERTH_PROPERTY_GETTER(get_items) {
    return append_items(reply, get_transfer(view));
}

BERTH_PROPERTY_GETTER(get_started) {
    return sd_bus_message_append(reply, "t", get_transfer(view)->started_usec);
}

BERTH_PROPERTY_GETTER(get_cancelable) {
    return sd_bus_message_append(reply, "b", get_transfer(view)->state == BERTH_TRANSFER_RUNNING);
}

/* Empty until the transfer is done. */
BERTH_PROPERTY_GETTER(get_result) {
    return append_result(reply, &get_transfer(view)->result);
}

/* The error that Wait fails with; empty strings unless the transfer has failed. */
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
                            method_wait, SD_BUS_VTABLE_UNPRIVILEGED),
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

static BerthObject make_object(const BerthTransfer *transfer, char number[static 24]) {
    g_snprintf(number, 24, "%" G_GUINT64_FORMAT, transfer->number);
    return (BerthObject){.kind = &transfer_kind,
                         .name = number,
                         .owned = true,
                         .owner = transfer->owner,
                         .data = (void *)transfer};
}

/* They are in the order of their numbers. */
static int visit_transfers(BerthService *service, const BerthViewer *viewer, const char *after,
                           BerthObjectVisit visit, void *userdata) {
    GPtrArray *list = berth_transfers_list(service->transfers);
    uint64_t last = g_ascii_strtoull(after, NULL, 10);
    int r = 1;

    for (guint i = 0; r > 0 && i < list->len; i++) {
        const BerthTransfer *transfer = list->pdata[i];
        char number[24];
        const BerthObject object = make_object(transfer, number);
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

/* The owner needs no right for the signal. A waiter of another user does, at every signal: the
 * right that it had for Wait may have been withdrawn. */
static void send_to_waiter(BerthService *service, const BerthTransfer *transfer,
                           const Waiter *waiter, sd_bus_message *signal) {
    const char *client = sd_bus_message_get_sender(waiter->pending->call);
    g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, transfer->number);
    uint32_t uid;
    bool own = berth_access_find_uid(service->access, client, &uid) && uid == transfer->owner;
    const BerthSignalRight right = {own ? NULL : "containers.inspect", "transfer", number};

    berth_unicast_send(service->unicast, client, signal, &right);
}

/* To the clients that wait for it. */
static void send_progress(BerthService *service, const BerthTransfer *transfer) {
    g_autofree char *path = g_strdup_printf(PREFIX "/%" G_GUINT64_FORMAT, transfer->number);
    uint64_t done, total;

    berth_transfer_sum(transfer, &done, &total);
    for (guint i = 0; i < waiters->len; i++) {
        Waiter *waiter = waiters->pdata[i];
        g_autoptr(sd_bus_message) signal = NULL, part = NULL;
        if (waiter->transfer != transfer)
            continue;
        if (sd_bus_message_new_signal(service->bus, &signal, path, INTERFACE, "Progress") < 0 ||
            sd_bus_message_append(signal, "tt", done, total) < 0 ||
            berth_part_new(signal, &part) < 0 || append_items(part, transfer) < 0 ||
            berth_part_copy(signal, part, BERTH_MAX_ITEM_BYTES) < 0)
            return;
        send_to_waiter(service, transfer, waiter, g_steal_pointer(&signal));
    }
}

/* Sends only the properties that have changed since they were last sent; many changes of a transfer
 * leave both sums as they are. */
static void tell_progress(BerthService *service, const BerthTransfer *transfer) {
    char number[24];
    const BerthObject object = make_object(transfer, number);
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
        berth_watchers_tell_changed(service->watchers, &object, changed, NULL);
}

static void tell_end(BerthService *service, const BerthTransfer *transfer) {
    static const char *const done[] = {"State", "Cancelable", "Done", "Total", "Result", NULL};
    static const char *const failed[] = {"State", "Cancelable", "Done", "Total", "Error", NULL};
    char number[24];
    const BerthObject object = make_object(transfer, number);

    g_hash_table_remove(sent_progress, transfer);
    berth_watchers_tell_changed(service->watchers, &object, transfer->error ? failed : done, NULL);
}

static void tell_presence(BerthService *service, const BerthTransfer *transfer, bool added) {
    char number[24];
    const BerthObject object = make_object(transfer, number);

    if (added) {
        g_hash_table_insert(sent_progress, (gpointer)transfer, g_new0(SentProgress, 1));
        berth_watchers_tell_added(service->watchers, &object);
    } else {
        berth_watchers_tell_removed(service->watchers, &object);
    }
}

/* The order at the end: signals, so that they normally arrive before Wait returns; the audit, which
 * follows the transfer; then the replies. The loop runs backwards, since it removes waiters. */
static void on_change(BerthTransfer *transfer, BerthTransferChange change, void *userdata) {
    BerthService *service = userdata;

    if (change == BERTH_TRANSFER_ADDED || change == BERTH_TRANSFER_REMOVED) {
        tell_presence(service, transfer, change == BERTH_TRANSFER_ADDED);
        return;
    }
    send_progress(service, transfer);
    if (change != BERTH_TRANSFER_FINISHED) {
        tell_progress(service, transfer);
        return;
    }
    tell_end(service, transfer);
    berth_audit_transfer_ended(transfer);
    for (guint i = waiters->len; i-- > 0;) {
        Waiter *waiter = waiters->pdata[i];
        if (waiter->transfer != transfer)
            continue;
        berth_operation_abandon(waiter->operation);
        answer_wait(waiter->pending->call, transfer);
        berth_pending_call_free(waiter->pending);
        g_ptr_array_remove_index(waiters, i);
    }
}

static const sd_bus_vtable list_vtable[] = {
    SD_BUS_VTABLE_START(0),
    BERTH_OBJECTS_LIST(transfers),
    SD_BUS_VTABLE_END,
};

int berth_transfers_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = INTERFACE, .vtable = vtable, .open = transfer_open};
    int r;

    waiters = g_ptr_array_new_with_free_func(g_free);
    sent_progress = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    berth_transfers_observe(service->transfers, on_change, service);
    if ((r = berth_objects_add_kind(service, &transfer_kind)) < 0 ||
        (r = berth_properties_add(service, PREFIX, true, &source)) < 0 ||
        (r = berth_dispatch_add(service, PREFIX, "org.berth1.Transfers", list_vtable,
                                berth_objects_find_collection)) < 0)
        return r;
    return berth_dispatch_add(service, PREFIX, INTERFACE, vtable, berth_objects_find_below);
}
