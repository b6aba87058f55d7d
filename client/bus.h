/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to the service, and calls that wait for their answer. */

#pragma once

#include "base/bus-error.h"
#include "client/message.h"
#include "client/settings.h"

#define DIST_IMAGES "/org/berth1/images", "org.berth1.Images"
#define DIST_CONTENTS "/org/berth1/contents", "org.berth1.Contents"
#define DIST_LEASES "/org/berth1/leases", "org.berth1.Leases"
#define DIST_NETWORKS "/org/berth1/networks", "org.berth1.Networks"
#define DIST_VOLUMES "/org/berth1/volumes", "org.berth1.Volumes"
#define DIST_TRANSFERS "/org/berth1/transfers", "org.berth1.Transfers"

/* The system bus, connected once. NULL with error. */
sd_bus *dist_bus(GError **error);

/* Whether that connection does; one by ssh does not. A call whose reply has a descriptor would wait
 * for ever. */
bool dist_bus_passes_descriptors(void);

/* A new connection in its place, after it was lost. */
sd_bus *dist_bus_reconnect(GError **error);

/* A call that waits for its reply; types and values as sd_bus_message_append. NULL with error. */
sd_bus_message *dist_call(GError **error, const char *path, const char *interface,
                          const char *member, const char *types, ...);
/* The same for a message that was built by hand; takes it over. */
sd_bus_message *dist_new_call(GError **error, const char *path, const char *interface,
                              const char *member);
sd_bus_message *dist_send(sd_bus_message *call, GError **error);

/* Whether a reply is no error; otherwise sets error from it. */
bool dist_check_reply(sd_bus_message *reply, GError **error);
/* An error for a message that was not as expected. */
bool dist_bad_reply(int r, GError **error);

/* KEY=VALUE as a{ss}, and as {sv} with that; without "=" the value is empty. */
int dist_append_label_map(sd_bus_message *call, char *const *labels);
int dist_append_labels(sd_bus_message *call, const char *key, char *const *labels);
