/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which signals dist believes: those of the bus, and those of the service that answers its calls.
 */

#pragma once

#include <systemd/sd-bus.h>

/* Drops all other signals of a new connection. Returns a negative errno on failure. */
int dist_sender_filter(sd_bus *bus);
/* Remembers the sender of the service's reply. */
void dist_sender_note(sd_bus_message *reply);
