/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The unanswered calls of org.berth1.Transfer.Wait, for bus/transfers-bus.c. */

#pragma once

#include "bus/service.h"
#include "transfers/transfer.h"

/* Called once, before any of the functions below. */
void berth_transfer_waiters_open(void);
/* Replies to call when the transfer has ended, which may already be the case. */
void berth_transfer_waiters_add(BerthService *service, BerthTransfer *transfer,
                                sd_bus_message *call);
/* Sends the signal Progress to the clients that wait for this transfer. */
void berth_transfer_waiters_send_progress(BerthService *service, const BerthTransfer *transfer);
/* Replies to all clients that wait for this transfer, which has ended. */
void berth_transfer_waiters_answer(const BerthTransfer *transfer);

/* Appends the values of the properties Result and Items. */
int berth_transfer_append_result(sd_bus_message *message, const BerthTransferResult *result);
int berth_transfer_append_items(sd_bus_message *message, const BerthTransfer *transfer);
