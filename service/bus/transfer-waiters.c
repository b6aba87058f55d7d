/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Waiter is a pending call of Wait. It is created if the transfer is still running, receives the
 * signals about its progress, and is freed when the transfer ends or the caller leaves the bus; the
 * list here owns it. The one thing to know: the transfer continues without waiters.
 */

#include "bus/transfer-waiters.h"

#include "base/limits.h"
#include "base/operation.h"
#include "bus/options.h"
#include "bus/page.h"
#include "bus/pending-call.h"
#include "bus/unicast.h"

typedef struct {
    BerthTransfer *transfer;
    BerthPendingCall *pending;
    BerthOperation *operation;
} Waiter;

static GPtrArray *waiters; /* of Waiter, owned */

/* A remote may send more than it has announced; the value of done is never shown above total. */
int berth_transfer_append_items(sd_bus_message *message, const BerthTransfer *transfer) {
    int r = sd_bus_message_open_container(message, 'a', "(sstt)");

    for (guint i = 0; r >= 0 && i < transfer->items->len; i++) {
        const BerthTransferItem *item = transfer->items->pdata[i];
        r = sd_bus_message_append(message, "(sstt)", item->object, item->phase,
                                  MIN(item->done, item->total), item->total);
    }
    return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Members that this kind of transfer does not have are left out. */
int berth_transfer_append_result(sd_bus_message *reply, const BerthTransferResult *result) {
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

/* The result is built as a separate part, which is truncated if the reply would become too
 * large. */
static void answer_wait(sd_bus_message *call, const BerthTransfer *transfer) {
    g_autoptr(sd_bus_message) reply = NULL, part = NULL;

    if (transfer->error)
        berth_bus_reply_error(call, transfer->error);
    else if (sd_bus_message_new_method_return(call, &reply) >= 0 &&
             berth_part_new(call, &part) >= 0 &&
             berth_transfer_append_result(part, &transfer->result) >= 0 &&
             berth_part_copy(reply, part, BERTH_MAX_REPLY_BYTES / 2) >= 0)
        sd_bus_send(NULL, reply, NULL);
}

/* The caller has left: the waiter is freed without a reply, and the transfer continues. */
static void cancel_waiter(void *userdata, const GError *error) {
    Waiter *waiter = userdata;

    (void)error;
    berth_operation_abandon(waiter->operation);
    berth_pending_call_free(waiter->pending);
    g_ptr_array_remove_fast(waiters, waiter);
}

void berth_transfer_waiters_open(void) {
    waiters = g_ptr_array_new_with_free_func(g_free);
}

/* The owner needs no right for the signal. A waiter of another user does, for every signal: the
 * right that it had for Wait may have been withdrawn. */
static void send_to_caller(BerthService *service, const BerthTransfer *transfer,
                           sd_bus_message *call, sd_bus_message *signal) {
    const char *client = sd_bus_message_get_sender(call);
    g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, transfer->number);
    uint32_t uid;
    bool own = berth_access_find_uid(service->access, client, &uid) && uid == transfer->owner;
    const BerthSignalRight right = {own ? NULL : "containers.inspect", "transfer", number};

    berth_unicast_send(service->unicast, client, signal, &right);
}

/* NULL if there is no memory for it. */
static sd_bus_message *new_progress(BerthService *service, const BerthTransfer *transfer) {
    g_autofree char *path =
        g_strdup_printf(BERTH_BUS_ROOT "/transfers/%" G_GUINT64_FORMAT, transfer->number);
    g_autoptr(sd_bus_message) signal = NULL, part = NULL;
    uint64_t done, total;

    berth_transfer_sum(transfer, &done, &total);
    return sd_bus_message_new_signal(service->bus, &signal, path, "org.berth1.Transfer",
                                     "Progress") < 0 ||
                   sd_bus_message_append(signal, "tt", done, total) < 0 ||
                   berth_part_new(signal, &part) < 0 ||
                   berth_transfer_append_items(part, transfer) < 0 ||
                   berth_part_copy(signal, part, BERTH_MAX_ITEM_BYTES) < 0
               ? NULL
               : g_steal_pointer(&signal);
}

static void send_progress(BerthService *service, const BerthTransfer *transfer,
                          sd_bus_message *call) {
    sd_bus_message *signal = new_progress(service, transfer);

    if (signal)
        send_to_caller(service, transfer, call, signal);
}

void berth_transfer_waiters_add(BerthService *service, BerthTransfer *transfer,
                                sd_bus_message *call) {
    static const BerthOperationType type = {.cancel = cancel_waiter};

    if (transfer->state != BERTH_TRANSFER_RUNNING) {
        /* The transfer was faster than its client, which still shows what has been done. */
        if (transfer->items->len > 0)
            send_progress(service, transfer, call);
        answer_wait(call, transfer);
        return;
    }
    Waiter *waiter = g_new0(Waiter, 1);
    *waiter = (Waiter){transfer, berth_pending_call_new(service, call),
                       berth_operation_new(service->event, &type, waiter)};
    g_ptr_array_add(waiters, waiter);
    berth_operation_set_caller(waiter->operation, waiter->pending, NULL);
}

/* Iterates backwards, since waiters are removed. */
void berth_transfer_waiters_answer(const BerthTransfer *transfer) {
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

void berth_transfer_waiters_send_progress(BerthService *service, const BerthTransfer *transfer) {
    for (guint i = 0; i < waiters->len; i++) {
        const Waiter *waiter = waiters->pdata[i];
        if (waiter->transfer == transfer)
            send_progress(service, transfer, waiter->pending->call);
    }
}
