/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The call to systemd that makes a scope. */

#pragma once

#include "systemd/scope.h"

/* ordered: with After= the unit that it is bound to. The call is not sealed. Negative errno. */
int berth_scope_make_start(sd_bus *bus, const BerthScopeOptions *options, bool ordered,
                           sd_bus_message **call);
