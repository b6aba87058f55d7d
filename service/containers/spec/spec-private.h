/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a configuration that spec.c assembles. */

#pragma once

#include "containers/spec/spec.h"

/* On a separate tmpfs, so that it never shows up among the container's changes. */
#define BERTH_SPEC_INIT_PATH "/dev/berth-init"

/* Each of these adds one member to the configuration. */
bool berth_spec_add_process(json_object *root, const BerthCreateOptions *options,
                            const BerthImageInfo *image, const BerthSpecContext *context,
                            GError **error);

/* is_system is true for an init system (berth_spec_is_system()). */
void berth_spec_add_mounts(json_object *root, const BerthCreateOptions *options,
                           const BerthImageInfo *image, const BerthSpecContext *context,
                           bool is_system);

/* Adds a member to "linux": a single range (config-linux.md, "User namespace mappings"), in which
 * the container's ids from 0 correspond to the host's from ids. */
void berth_spec_add_id_range(json_object *linux_part, const char *member, uint32_t ids);
