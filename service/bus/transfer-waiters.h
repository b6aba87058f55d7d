/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls of org.berth1.Transfer.Wait that are not answered yet, for bus/transfers-bus.c. */

#pragma once

#include "bus/service.h"
#include "transfers/transfer.h"

/* Once, before the first of the others. */
void berth_transfer_waiters_open(void);
/* Answers call when the transfer has ended, which may be now. */
void berth_transfer_waiters_add(BerthService *service, BerthTransfer *transfer,
                                sd_bus_message *call);
/* Sends the signal Progress to those that wait for this transfer. */
void berth_transfer_waiters_send_progress(BerthService *service, const BerthTransfer *transfer);
void berth_transfer_waiters_answer(const BerthTransfer *transfer);

/* The values of the properties Result and Items. */
int berth_transfer_append_result(sd_bus_message *message, const BerthTransferResult *result);
int berth_transfer_append_items(sd_bus_message *message, const BerthTransfer *transfer);
