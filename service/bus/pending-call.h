/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A call that a domain operation answers later: its callbacks' userdata. */

#pragma once

#include "bus/access.h"
#include "bus/service.h"

typedef struct {
    BerthService *service;
    sd_bus_message *call;
} BerthPendingCall;

BerthPendingCall *berth_pending_call_new(BerthService *service, sd_bus_message *call);
void berth_pending_call_free(BerthPendingCall *pending);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthPendingCall, berth_pending_call_free)

/* A callback of an operation that answers nothing: replies, or with the error, and frees it. */
void berth_pending_call_finish(const GError *error, void *pending);

/* Answers call with the path of a transfer. */
int berth_bus_reply_transfer(sd_bus_message *call, const BerthTransfer *transfer);

/* Appends labels, which are key, value, …, as a{ss}. */
int berth_bus_append_labels(sd_bus_message *message, char *const *labels);
