/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A call that is answered later, by an operation of the domain: the userdata of the operation's
 * callbacks.
 */

#pragma once

#include "base/charge.h"
#include "base/hold.h"
#include "bus/access.h"
#include "bus/service.h"

typedef struct {
    BerthService *service;
    sd_bus_message *call;
    char *name; /* name of its object; NULL unless created by berth_pending_call_new_about() */
    BerthCharge *waits, *charge;
    BerthHold *hold;
} BerthPendingCall;

/* Charges the sender of a call, whose uid must be known. Returns NULL with error set if its limit
 * is exceeded. */
BerthCharge *berth_bus_charge(BerthService *service, sd_bus_message *call, BerthResource resource,
                              sd_bus_error *error);

/* Creates a pending call that also uses a limited resource, charged until it is freed. Returns NULL
 * with error set if the limit is exceeded. */
BerthPendingCall *berth_pending_call_new_charged(BerthService *service, sd_bus_message *call,
                                                 BerthResource resource, sd_bus_error *error);
/* Creates a pending call, which always succeeds: the limit was checked before the handler ran. */
BerthPendingCall *berth_pending_call_new(BerthService *service, sd_bus_message *call);
/* Creates a pending call that keeps the ID of a container or the name of a pod, by which its
 * callback finds that object again: it may end and be deleted before the reply. */
BerthPendingCall *berth_pending_call_new_about(BerthService *service, sd_bus_message *call,
                                               const char *name);
/* Removes the pending call from service->waiting and ends it for the audit. Sends no reply. */
void berth_pending_call_free(BerthPendingCall *pending);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthPendingCall, berth_pending_call_free)

/* Callback of an operation without a result: sends an empty reply, or the error, and frees the
 * pending call. */
void berth_pending_call_finish(const GError *error, void *pending);

/* Replies to call with the path of a transfer. */
int berth_bus_reply_transfer(sd_bus_message *call, const BerthTransfer *transfer);

/* Appends labels, given as alternating keys and values, as a{ss}. */
int berth_bus_append_labels(sd_bus_message *message, char *const *labels);
/* Appends labels as an entry "Labels" of a{sv}. */
int berth_bus_append_labels_entry(sd_bus_message *message, char *const *labels);
