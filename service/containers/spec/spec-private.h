/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a configuration that spec.c assembles. */

#pragma once

#include "containers/spec/spec.h"

/* On a separate tmpfs, so that it never shows up among the container's changes. */
#define BERTH_SPEC_INIT_PATH "/dev/berth-init"

bool berth_spec_add_process(JsonBuilder *builder, const BerthCreateOptions *options,
                            const BerthImageInfo *image, const BerthSpecContext *context,
                            GError **error);

/* is_system is true for an init system (berth_spec_is_system()). */
void berth_spec_add_mounts(JsonBuilder *builder, const BerthCreateOptions *options,
                           const BerthImageInfo *image, const BerthSpecContext *context,
                           bool is_system);
