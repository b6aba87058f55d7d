/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/object.h"

#include <json-c/json.h>

/* Adds "limits": the properties of its scope by name, without those about devices. */
void berth_inspect_add_limits(json_object *object, const BerthContainer *container);
/* Adds "entrypoint" and "command": the two parts of its command. */
void berth_inspect_add_command(json_object *object, const BerthContainer *container);
/* Adds "capabilitiesAdded" and "capabilitiesDropped": how the bounding set of its configuration
 * differs from that of a container for which nothing is said. */
void berth_inspect_add_capabilities(json_object *object, json_object *config);
