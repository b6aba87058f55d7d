/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* docker's and podman's names for what "dist inspect --format" prints. */

#pragma once

#include <json-c/json.h>

/* Adds to a container's document the members that templates for docker use: Name, ImageName, State,
 * Config, NetworkSettings, HostConfig and Mounts. */
void dist_docker_view_add(json_object *container);
