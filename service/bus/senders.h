/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who may send signals to the service: the bus, and the services of the machine whose signals it
 * listens to. Everything else is dropped before any part of the service sees it.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>

typedef struct BerthSenders BerthSenders;

/* Drops the signals of all others from now on. For a bus that has delivered no signal yet. */
BerthSenders *berth_senders_new(sd_bus *bus, GError **error);
void berth_senders_free(BerthSenders *senders);
