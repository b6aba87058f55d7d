/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A method call that is answered later, from a callback of the operation that it has started. It is
 * created by a handler after its last check, and owned by the operation whose userdata it is; the
 * callback replies and frees it. While it exists, the call counts towards the caller's limit, the
 * audit waits for its result, and the service does not exit. The one thing to know: every pending
 * call is in the list service->waiting, where the calls of a client that leaves the bus are found.
 * Calls that are unanswered when the service ends remain there.
 */

#include "bus/pending-call.h"

#include "base/limits.h"
#include "bus/audit.h"

#include <string.h>

/* Handlers make a check before they start anything, so the caller is known; without a uid,
 * UINT32_MAX is charged. */
static uint32_t find_caller_uid(BerthService *service, sd_bus_message *call) {
    uint32_t uid = UINT32_MAX;

    return berth_access_find_uid(service->access, sd_bus_message_get_sender(call), &uid)
               ? uid
               : UINT32_MAX;
}

BerthCharge *berth_bus_charge(BerthService *service, sd_bus_message *call, BerthResource resource,
                              sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    BerthCharge *charge = berth_charge_new(find_caller_uid(service, call), resource, 1, &error);

    if (!charge)
        berth_bus_error_set(ret_error, error);
    return charge;
}

BerthPendingCall *berth_pending_call_new_charged(BerthService *service, sd_bus_message *call,
                                                 BerthResource resource, sd_bus_error *error) {
    BerthCharge *charge = berth_bus_charge(service, call, resource, error);

    if (!charge)
        return NULL;
    BerthPendingCall *pending = berth_pending_call_new(service, call);
    pending->charge = charge;
    return pending;
}

/* The charge must not fail here: the handler was run by berth_access_run(), which has checked the
 * limit. */
BerthPendingCall *berth_pending_call_new(BerthService *service, sd_bus_message *call) {
    BerthPendingCall *pending = g_new0(BerthPendingCall, 1);

    pending->service = service;
    pending->call = sd_bus_message_ref(call);
    pending->waits =
        berth_charge_new_forced(find_caller_uid(service, call), BERTH_RESOURCE_CALLS, 1);
    pending->hold = berth_hold_new(BERTH_HOLD_CALL);
    g_ptr_array_add(service->waiting, pending);
    berth_audit_hold(call);
    return pending;
}

BerthPendingCall *berth_pending_call_new_about(BerthService *service, sd_bus_message *call,
                                               const char *name) {
    BerthPendingCall *pending = berth_pending_call_new(service, call);

    pending->name = g_strdup(name);
    return pending;
}

void berth_pending_call_free(BerthPendingCall *pending) {
    if (!pending)
        return;
    g_ptr_array_remove_fast(pending->service->waiting, pending);
    berth_audit_release(pending->call);
    sd_bus_message_unref(pending->call);
    berth_charge_free(pending->waits);
    berth_charge_free(pending->charge);
    berth_hold_free(pending->hold);
    g_free(pending->name);
    g_free(pending);
}

void berth_pending_call_finish(const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, NULL);
}

/* For the audit, this reply does not end the call: its result is that of the transfer. */
int berth_bus_reply_transfer(sd_bus_message *call, const BerthTransfer *transfer) {
    g_autofree char *path =
        g_strdup_printf(BERTH_BUS_ROOT "/transfers/%" G_GUINT64_FORMAT, transfer->number);

    berth_audit_follow(call, transfer);
    return sd_bus_reply_method_return(call, "o", path);
}

/* Labels are limited when they are set. Those stored by an older version of the service may exceed
 * the limit; labels that do not fit are left out to keep the reply within its size. */
int berth_bus_append_labels(sd_bus_message *message, char *const *labels) {
    size_t left = BERTH_MAX_LABELS_BYTES;
    int r = sd_bus_message_open_container(message, 'a', "{ss}");

    for (char *const *label = labels; r >= 0 && label && *label; label += 2) {
        size_t bytes = strlen(label[0]) + strlen(label[1]);
        if (bytes > left)
            continue;
        left -= bytes;
        r = sd_bus_message_append(message, "{ss}", label[0], label[1]);
    }
    return r < 0 ? r : sd_bus_message_close_container(message);
}

int berth_bus_append_labels_entry(sd_bus_message *message, char *const *labels) {
    int r;

    if ((r = sd_bus_message_open_container(message, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(message, "s", "Labels")) < 0 ||
        (r = sd_bus_message_open_container(message, 'v', "a{ss}")) < 0 ||
        (r = berth_bus_append_labels(message, labels)) < 0 ||
        (r = sd_bus_message_close_container(message)) < 0)
        return r;
    return sd_bus_message_close_container(message);
}
