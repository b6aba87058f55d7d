/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "base/json.h"
#include "containers/spec/options.h"

/* Adds the annotations that store the network and the ports. */
void berth_spec_add_network(JsonBuilder *builder, const BerthCreateOptions *options);
