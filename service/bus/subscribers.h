/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The clients that get the events of containers: service->subscribers, from unique names to these.
 * A subscription belongs to the connection, replaces its earlier one, and holds the service.
 */

#pragma once

#include "base/hold.h"
#include "bus/viewer.h"

typedef struct {
    BerthViewer viewer;
    BerthHold *hold;
} BerthSubscriber;

GHashTable *berth_subscribers_new(void);
/* Whether the client, which is viewer's, may subscribe; LimitExceeded if its user has too many. */
bool berth_subscribers_check(BerthService *service, const char *client, const BerthViewer *viewer,
                             GError **error);
void berth_subscribers_add(BerthService *service, const char *client, const BerthViewer *viewer);
void berth_subscribers_forget(BerthService *service, const char *client);
