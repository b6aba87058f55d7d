/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-runtime's calls to the service, all of them of org.berth1.Containers. */

#pragma once

#include "base/bus-error.h"
#include "client/message.h"

/* A new connection, which the caller owns. NULL with error. */
sd_bus *runtime_bus_open(GError **error);

/* A new call of a member, to which the caller appends arguments. NULL with error. */
sd_bus_message *runtime_call_new(sd_bus *bus, const char *member, GError **error);
/* Sends a call, taking ownership of it, and waits for the reply. NULL with error. */
sd_bus_message *runtime_call_send(sd_bus_message *call, GError **error);
/* Both in one; types and values as in sd_bus_message_append(3). */
sd_bus_message *runtime_call(sd_bus *bus, GError **error, const char *member, const char *types,
                             ...);

/* The same for an idempotent call: it is repeated until the service answers. */
sd_bus_message *runtime_call_until_answered(sd_bus *bus, GError **error, const char *member,
                                            const char *types, ...);
/* Whether a call failed because the service was killed or is not running. */
bool runtime_call_was_lost(const GError *error);
/* Whether it is worth another try for that reason. If so, waits a little first. */
bool runtime_call_wait_if_lost(unsigned tries, const GError *error);

/* Whether a reply is not an error; sets error from it otherwise. */
bool runtime_call_check(sd_bus_message *reply, GError **error);
/* Sets an error for a message that could not be written or read. */
bool runtime_call_malformed(int r, GError **error);
