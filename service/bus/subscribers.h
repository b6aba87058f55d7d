/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients that are sent what happens to containers. */

#pragma once

#include "bus/service.h"

typedef struct {
    uint32_t uid;
    bool sees_all; /* containers of other users, too */
    bool events;   /* it has subscribed, and does not only keep objects up to date */
} BerthSubscriber;

/* Finds out what the caller would be sent. As berth_access_check, but never refused: a caller that
 * may inspect nothing still sees its own containers. */
int berth_subscriber_find(sd_bus_message *call, BerthService *service, BerthSubscriber *subscriber);
bool berth_subscriber_sees(const BerthSubscriber *subscriber, uint32_t owner);

/* Adds a caller that has asked for objects or for all properties: from now on it is told how they
 * change, as proxies of every D-Bus library expect, until it leaves the bus. */
void berth_subscriber_watch(sd_bus_message *call, BerthService *service,
                            const BerthSubscriber *subscriber);
bool berth_subscriber_is_watching(sd_bus_message *call, BerthService *service);
