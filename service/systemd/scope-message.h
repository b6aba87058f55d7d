/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The call to systemd that makes a scope. */

#pragma once

#include "base/bus-error.h"

typedef struct {
    const char *unit; /* berth-ID.scope */
    const char *description;
    const char *slice;
    const char *bound_to; /* another unit, with which it stops; NULL for none */
    uint32_t pid;
    int stop_signal;
    uint64_t stop_timeout_usec;
    GVariant *properties; /* a{sv}: limits and so on; NULL for none */
} BerthScopeOptions;

/* ordered: with After= the unit that it is bound to. The call is not sealed. Negative errno. */
int berth_scope_make_start(sd_bus *bus, const BerthScopeOptions *options, bool ordered,
                           sd_bus_message **call);
