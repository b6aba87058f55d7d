/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/spec/options.h"

#include <json-glib/json-glib.h>

/* Adds the annotations that store the network and the ports. */
void berth_spec_add_network(JsonBuilder *builder, const BerthCreateOptions *options);
