/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/spec/options.h"

#include <json-glib/json-glib.h>

/* The annotations that hold the network and the ports. */
void berth_spec_add_network(JsonBuilder *builder, const BerthCreateOptions *options);
