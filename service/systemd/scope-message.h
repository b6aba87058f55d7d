/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The message that asks systemd to create a scope. */

#pragma once

#include "base/bus-error.h"

typedef struct {
    const char *unit; /* berth-ID.scope */
    const char *description;
    const char *slice;
    const char *bound_to; /* the unit that stops it when stopping; NULL for none */
    uint32_t pid;
    int stop_signal;
    uint64_t stop_timeout_usec;
    GVariant *properties; /* a{sv}: limits and the like; NULL for none */
} BerthScopeOptions;

/* With ordered, adds After= for the unit that the scope is bound to. The message is not sealed.
 * Returns a negative errno on failure. */
int berth_scope_make_start(sd_bus *bus, const BerthScopeOptions *options, bool ordered,
                           sd_bus_message **call);
