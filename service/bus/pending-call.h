/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A call that is answered later, by an operation of the domain: the userdata of its callbacks. */

#pragma once

#include "base/charge.h"
#include "base/hold.h"
#include "bus/access.h"
#include "bus/service.h"

typedef struct {
    BerthService *service;
    sd_bus_message *call;
    char *name; /* of what it is about; NULL unless berth_pending_call_new_about() set it */
    BerthCharge *waits, *charge;
    BerthHold *hold;
} BerthPendingCall;

/* Charges the caller of a call, whose uid is known; NULL with error set. */
BerthCharge *berth_bus_charge(BerthService *service, sd_bus_message *call, BerthResource resource,
                              sd_bus_error *error);

/* A pending call that also uses a limited resource, charged until the call is freed; NULL with
 * error set. */
BerthPendingCall *berth_pending_call_new_charged(BerthService *service, sd_bus_message *call,
                                                 BerthResource resource, sd_bus_error *error);
BerthPendingCall *berth_pending_call_new(BerthService *service, sd_bus_message *call);
/* One that keeps the id of a container or the name of a pod, by which its callback finds it again:
 * it may end and be removed before the answer. */
BerthPendingCall *berth_pending_call_new_about(BerthService *service, sd_bus_message *call,
                                               const char *name);
void berth_pending_call_free(BerthPendingCall *pending);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthPendingCall, berth_pending_call_free)

/* A callback of an operation that answers nothing: replies, or with the error, and frees it. */
void berth_pending_call_finish(const GError *error, void *pending);

/* Answers call with the path of a transfer. */
int berth_bus_reply_transfer(sd_bus_message *call, const BerthTransfer *transfer);

/* Appends labels, which are key, value, …, as a{ss}. */
int berth_bus_append_labels(sd_bus_message *message, char *const *labels);
/* The same as an entry "Labels" of a{sv}. */
int berth_bus_append_labels_entry(sd_bus_message *message, char *const *labels);
