/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* systemd-machined, which machinectl(1), journalctl -M and nss-mymachines ask. */

#pragma once

#include "base/bus-error.h"

/* Tells it of a container, if it runs: it is not started for that, and no answer is waited for. It
 * forgets the container by itself when its leader ends. id: 16 bytes of a UUID. */
void berth_machine_register(sd_bus *bus, const char *name, const uint8_t id[16], uint32_t leader,
                            const char *root);

typedef void (*BerthMachinedStarted)(void *userdata);

/* Calls started, once it can be told of containers, whenever it comes up on the bus. *slot ends it.
 */
bool berth_machined_watch(sd_bus *bus, sd_bus_slot **slot, BerthMachinedStarted started,
                          void *userdata, GError **error);
