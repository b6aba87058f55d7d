/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Named networks and ports of containers; joining them is berth-launch's (launch/cni.c). */

#pragma once

#include "containers/containers.h"

#include <json-glib/json-glib.h>

/* The network and the ports, for launch/cni.c. */
void berth_ports_add_annotations(JsonBuilder *builder, const BerthContainerOptions *options);
