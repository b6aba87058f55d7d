/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who may do what: polkit decides, for every call and with what it concerns as details; root needs
 * no asking, as polkit itself has it. Asking takes time, so a method handler is written as if the
 * answer were known and is called again, with the same message, once it is:
 *
 *     int r = berth_access_check(service->access, call, method_pull, userdata, error,
 *                                "org.berth1.images.pull", "reference", reference, NULL);
 *     if (r != BERTH_ACCESS_GRANTED)
 *         return r;
 */

#pragma once

#include "base/bus-error.h"

#include <systemd/sd-event.h>

typedef struct BerthAccess BerthAccess;

BerthAccess *berth_access_new(sd_bus *bus, GError **error);
void berth_access_free(BerthAccess *access);

enum {
    BERTH_ACCESS_ASKING = 1, /* the handler returns this, "handled", and will be called again */
    BERTH_ACCESS_GRANTED = 2,
};

/* One of the above; negative: refused, error is set. The details are pairs of strings, ended by
 * NULL. */
int berth_access_check(BerthAccess *access, sd_bus_message *call, sd_bus_message_handler_t handler,
                       void *userdata, sd_bus_error *error, const char *action,
                       ...) G_GNUC_NULL_TERMINATED;

/* The same, but a refusal is an answer too, in *granted. Never asks the user for a password. */
int berth_access_query(BerthAccess *access, sd_bus_message *call, sd_bus_message_handler_t handler,
                       void *userdata, bool *granted, const char *action);

/* The caller's uid, where it returns BERTH_ACCESS_GRANTED. */
int berth_access_get_uid(BerthAccess *access, sd_bus_message *call,
                         sd_bus_message_handler_t handler, void *userdata, uint32_t *uid);

/* Told when a client leaves the bus. */
typedef void (*BerthPeerLeft)(const char *peer, void *userdata);
void berth_access_on_peer_left(BerthAccess *access, BerthPeerLeft left, void *userdata);

/* Calls that wait for polkit or for the bus. */
unsigned berth_access_count_pending(BerthAccess *access);
