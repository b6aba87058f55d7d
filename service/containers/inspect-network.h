/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/object.h"

#include <json-c/json.h>

/* Adds "endpoints": for each network of a container, the network, and while the container is
 * running its interface, macAddress, addresses with the length of their prefix, and gateways. */
void berth_inspect_add_endpoints(json_object *object, const BerthContainer *container);
