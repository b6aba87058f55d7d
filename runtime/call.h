/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of the service by berth-runtime, all of them of org.berth1.Containers. */

#pragma once

#include "base/bus-error.h"
#include "client/message.h"

/* A new connection, which the caller owns. NULL with error. */
sd_bus *runtime_bus_open(GError **error);

/* A call of a member, to which arguments are appended. NULL with error. */
sd_bus_message *runtime_call_new(sd_bus *bus, const char *member, GError **error);
/* Sends it, takes it over, and waits for the reply. NULL with error. */
sd_bus_message *runtime_call_send(sd_bus_message *call, GError **error);
/* Both; types and values as sd_bus_message_append. */
sd_bus_message *runtime_call(sd_bus *bus, GError **error, const char *member, const char *types,
                             ...);

/* The same, of a call that may be made twice: it is made again while the service does not answer.
 */
sd_bus_message *runtime_call_until_answered(sd_bus *bus, GError **error, const char *member,
                                            const char *types, ...);
/* Whether a call failed since the service was killed or is not there, and is worth another try,
 * after this has waited a little. */
bool runtime_call_wait_if_lost(unsigned tries, const GError *error);

/* Whether a reply is no error; otherwise sets error from it. */
bool runtime_call_check(sd_bus_message *reply, GError **error);
/* An error for a message that could not be written or read. */
bool runtime_call_malformed(int r, GError **error);
