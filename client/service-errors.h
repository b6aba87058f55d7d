/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors of the service, as the person at the terminal reads them. */

#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>

/* Sets an error from an error reply, translated, and returns false. errnum: what to say if the
 * reply has no text. */
bool dist_set_bus_error(GError **error, const sd_bus_error *reason, int errnum);
