/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registration with systemd-machined, which serves machinectl(1), journalctl -M and
 * nss-mymachines(8).
 */

#pragma once

#include "base/bus-error.h"

/* Registers a container if machined is running. machined is not activated for this, and its reply
 * is not awaited. It drops the container by itself when the leader exits. id is a UUID of 16
 * bytes. */
void berth_machine_register(sd_bus *bus, const char *name, const uint8_t id[16], uint32_t leader,
                            const char *root);

typedef void (*BerthMachinedStarted)(void *userdata);

/* Calls started whenever machined appears on the bus, so that running containers can be registered
 * again. Unreferencing *slot ends the watch. */
bool berth_machined_watch(sd_bus *bus, sd_bus_slot **slot, BerthMachinedStarted started,
                          void *userdata, GError **error);
