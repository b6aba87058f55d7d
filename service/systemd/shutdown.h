/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the service does when it is told to end: it stays while containers stop with the machine. */

#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct BerthShutdown BerthShutdown;

/* Takes SIGTERM and SIGINT, which the caller has blocked. event and bus must outlive the object. */
BerthShutdown *berth_shutdown_new(sd_event *event, sd_bus *bus, GError **error);
void berth_shutdown_free(BerthShutdown *shutdown);
