/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* docker's HostConfig of a container: what its creator asked for. */

#pragma once

#include <json-c/json.h>

/* Adds the limits, rights and policies to HostConfig. container is the document of Inspect, spec
 * its runtime configuration. */
void dist_docker_host_view_add(json_object *host, json_object *container, json_object *spec);
