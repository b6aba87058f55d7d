/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* docker's and podman's names for what "dist system info" and "dist version" print with a template.
 */

#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* What the service says of itself. */
typedef struct {
    const char *version, *path; /* its version, and its state directory */
    uint64_t size_bytes, used_bytes;
    uint64_t containers, running, images;
    bool is_here; /* it runs on this machine, whose facts are then known, too */
} DistServiceFacts;

/* Adds the members of docker's and podman's "info". */
void dist_docker_info_view_add(json_object *info, const DistServiceFacts *facts);

/* Adds Client and Server of "version". */
void dist_docker_version_view_add(json_object *versions, const DistServiceFacts *facts);
