/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The clients that receive container events: service->subscribers maps unique names to them. A
 * subscription belongs to a connection, replaces an earlier one of that connection, and holds the
 * service.
 */

#pragma once

#include "base/hold.h"
#include "bus/viewer.h"

typedef struct {
    BerthViewer viewer;
    BerthHold *hold;
} BerthSubscriber;

/* Creates the table for service->subscribers. */
GHashTable *berth_subscribers_new(void);
/* Whether the client, whose rights are in viewer, may subscribe; sets LimitExceeded if its user has
 * too many subscriptions. */
bool berth_subscribers_check(BerthService *service, const char *client, const BerthViewer *viewer,
                             GError **error);
/* Adds a subscription, or replaces the client's earlier one. */
void berth_subscribers_add(BerthService *service, const char *client, const BerthViewer *viewer);
/* Removes the client's subscription, if it has one. */
void berth_subscribers_forget(BerthService *service, const char *client);
