/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answers calls of a service that cannot start. */

#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <systemd/sd-bus.h>

/* Takes the name and answers all calls with the error, those that wait for the name first; if
 * lingers, until none has arrived for a moment. Blocks meanwhile. */
void berth_refusal_answer(sd_bus *bus, const GError *error, bool lingers);
