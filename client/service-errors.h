/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns errors of the service into messages for the user at the terminal. */

#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>

/* Sets a translated error from an error reply, and returns false. errnum: used if the reply has no
 * text. */
bool dist_set_bus_error(GError **error, const sd_bus_error *reason, int errnum);
