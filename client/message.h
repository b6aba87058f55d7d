/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parts of messages to the service and of its replies, for dist and berth-runtime. */

#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#define DIST_DESTINATION "org.berth1"
#define DIST_CONTAINERS "/org/berth1/containers", "org.berth1.Containers"

/* Opens and closes an {sv} that holds an array; the caller appends elements of this type in
 * between. */
int dist_open_list(sd_bus_message *call, const char *key, const char *type);
int dist_close_list(sd_bus_message *call);

/* Appends {sv} with an array of strings; nothing if it is empty or NULL. */
int dist_append_strings(sd_bus_message *call, const char *key, char *const *strings);

/* Appends {sv} for the standard streams of this process. A closed one is not passed: the container
 * has /dev/null or the journal instead. */
int dist_append_streams(sd_bus_message *call);

/* Whether the service or the bus went away before it replied; whether the call took effect is
 * unknown. */
bool dist_reply_was_lost(sd_bus_message *reply);
bool dist_error_is_loss(const sd_bus_error *error);

/* dbus-daemon's answer if a service has not started in time. */
#define DIST_ERROR_TIMED_OUT "org.freedesktop.DBus.Error.TimedOut"

/* Whether the service was killed, restarted or upgraded while the call was under way, or the bus
 * was. The container keeps running. */
bool dist_reply_is_absence(sd_bus_message *reply);

/* Whether the bus could not start the service because its unit is masked or missing. */
bool dist_reply_is_refused_start(sd_bus_message *reply);
bool dist_error_is_absence(const sd_bus_error *error);

/* How long to wait before a call that failed in this way is made again, the first time with 0. */
uint64_t dist_absence_delay_usec(unsigned absences);

/* Appends (sh) for a descriptor that the process of a container receives under this name (NULL: it
 * has none). If fd is -1, the process has /dev/null in its place. */
int dist_append_named_descriptor(sd_bus_message *call, const char *name, int fd);
