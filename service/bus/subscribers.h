/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients that get the events of containers. */

#pragma once

#include "bus/service.h"

typedef struct {
    uint32_t uid;
    bool sees_all; /* containers of other users, too */
} BerthSubscriber;

/* Finds out which events the caller may get. As berth_access_check, but never refused: a caller
 * that may inspect nothing still sees its own containers. */
int berth_subscriber_find(sd_bus_message *call, BerthService *service, BerthSubscriber *subscriber);
bool berth_subscriber_sees(const BerthSubscriber *subscriber, uint32_t owner);
