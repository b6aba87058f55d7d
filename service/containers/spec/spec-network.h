/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/spec/options.h"

#include <json-c/json.h>

/* Adds the annotations that store the network and the ports. */
void berth_spec_add_network(json_object *annotations, const BerthCreateOptions *options);
