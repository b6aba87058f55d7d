/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A subscriber has no states: it is created by Subscribe, and freed by Unsubscribe, by the next
 * Subscribe of the same connection, or when that connection leaves the bus. The service owns the
 * table. The one thing to know: the viewer's rights date from when it subscribed and only save
 * questions; polkit is asked again about each event (container-signals.c).
 */

#include "bus/subscribers.h"

#include "base/charge.h"

static void subscriber_free(gpointer data) {
    BerthSubscriber *subscriber = data;

    berth_hold_free(subscriber->hold);
    g_free(subscriber);
}

GHashTable *berth_subscribers_new(void) {
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, subscriber_free);
}

bool berth_subscribers_check(BerthService *service, const char *client, const BerthViewer *viewer,
                             GError **error) {
    GHashTableIter iterator;
    gpointer name, value;
    uint64_t count = 0;

    g_hash_table_iter_init(&iterator, service->subscribers);
    while (g_hash_table_iter_next(&iterator, &name, &value)) {
        const BerthSubscriber *subscriber = value;
        if (!g_str_equal(name, client))
            count += subscriber->viewer.uid == viewer->uid;
    }
    return berth_charge_check(viewer->uid, BERTH_RESOURCE_SUBSCRIPTIONS, count, 1, error);
}

void berth_subscribers_add(BerthService *service, const char *client, const BerthViewer *viewer) {
    BerthSubscriber *subscriber = g_new(BerthSubscriber, 1);

    *subscriber = (BerthSubscriber){*viewer, berth_hold_new(BERTH_HOLD_SUBSCRIBER)};
    g_hash_table_insert(service->subscribers, g_strdup(client), subscriber);
}

void berth_subscribers_forget(BerthService *service, const char *client) {
    g_hash_table_remove(service->subscribers, client);
}
