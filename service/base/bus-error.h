/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Converts between GError and D-Bus errors, for everything that uses sd-bus: the service on the
 * system bus, the service and its workers on their private connections, and dist.
 */

#pragma once

#include "base/descriptor.h"

#include <systemd/sd-bus.h>

/* Fills in ret_error and returns its negative errno, for use as the result of a method handler. */
int berth_bus_error_set(sd_bus_error *ret_error, const GError *error);

/* Replies to call with error, and passes the name of the error to the observer, if there is one. */
typedef void (*BerthBusErrorObserver)(sd_bus_message *call, const char *name);
/* Sets the one observer of error replies; NULL removes it. */
void berth_bus_error_observe(BerthBusErrorObserver observer);
int berth_bus_reply_error(sd_bus_message *call, const GError *error);

/* Returns true for a successful reply; otherwise sets error from the error reply. whose names the
 * peer, for the message used if the peer did not answer. */
bool berth_bus_check_reply(sd_bus_message *reply, const char *whose, GError **error);

/* Read or append a descriptor, "(sst)". Reading checks only the signature. */
int berth_bus_read_descriptor(sd_bus_message *message, BerthDescriptor **descriptor);
int berth_bus_append_descriptor(sd_bus_message *message, const BerthDescriptor *descriptor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus, sd_bus_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_slot, sd_bus_slot_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sd_bus_error, sd_bus_error_free)
