/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to the service, and calls that wait for their reply. */

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

/* The bus connection, made by the first call. NULL with error. */
sd_bus *dist_bus(GError **error);

/* Whether the service runs on this machine: without -H and -M. */
bool dist_bus_is_here(void);

/* Whether the connection can pass descriptors; one over ssh cannot, and a call whose reply has a
 * descriptor would wait forever. */
bool dist_bus_passes_descriptors(void);

/* A new connection that replaces one that was lost. */
sd_bus *dist_bus_reconnect(GError **error);

/* Makes a call and waits for its reply; types and values as in sd_bus_message_append(3). NULL with
 * error. */
sd_bus_message *dist_call(GError **error, const char *path, const char *interface,
                          const char *member, const char *types, ...);
/* The same for a message built by hand; dist_send() takes ownership of it. */
sd_bus_message *dist_new_call(GError **error, const char *path, const char *interface,
                              const char *member);
sd_bus_message *dist_send(sd_bus_message *call, GError **error);
/* Makes the same call for another attempt: a message that has been sent keeps its serial number,
 * and the bus refuses a second one with the same number. Returns a negative errno on failure. */
int dist_copy_call(sd_bus *bus, sd_bus_message *call, sd_bus_message **copy);
/* Sets *lost to whether the service or the bus went away before it replied. */
sd_bus_message *dist_send_once(sd_bus_message *call, bool *lost, GError **error);

/* Whether a reply is not an error; sets error from it otherwise. */
bool dist_check_reply(sd_bus_message *reply, GError **error);
/* Whether a call has succeeded; error has its error otherwise. If ignore is set, an error with this
 * code counts as success and is cleared. */
bool dist_reply_or_ignored(sd_bus_message *reply, bool ignore, BerthErrorCode code, GError **error);
/* Calls Delete with Force, for --replace. It is not an error if there is no such object. */
bool dist_delete_replaced(const char *path, const char *interface, const char *name,
                          GError **error);
/* Sets an error for a message that could not be read or built. Always false. */
bool dist_bad_reply(int r, GError **error);

/* Appends KEY=VALUE pairs as a{ss}, or as the {sv} with that key; without "=" the value is empty.
 */
int dist_append_label_map(sd_bus_message *call, char *const *labels);
int dist_append_labels(sd_bus_message *call, const char *key, char *const *labels);
