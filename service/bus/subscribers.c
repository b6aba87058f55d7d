/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Clients that get the events of containers, by their unique names, in service->subscribers:
 * those that have called Subscribe. An entry is made with what polkit allowed the client at that
 * time, and removed when the client unsubscribes or leaves the bus.
 */

#include "bus/subscribers.h"

#include "bus/access.h"

/* For a subscription sees_all only saves questions: each event is checked with polkit again when it
 * is sent (container-signals.c), and a right that is granted later needs a new Subscribe. */
int berth_subscriber_find(sd_bus_message *call, BerthService *service,
                          BerthSubscriber *subscriber) {
    *subscriber = (BerthSubscriber){0};
    int r = berth_access_get_uid(service->access, call, &subscriber->uid);

    return r != BERTH_ACCESS_GRANTED
               ? r
               : berth_access_query(service->access, call, &subscriber->sees_all, "sight", NULL);
}

bool berth_subscriber_sees(const BerthSubscriber *subscriber, uint32_t owner) {
    return subscriber->sees_all || subscriber->uid == owner;
}
