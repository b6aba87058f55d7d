/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a configuration that spec.c puts together. */

#pragma once

#include "containers/spec/spec.h"

/* On a tmpfs of its own: nothing of it is seen in what the container has changed. */
#define BERTH_SPEC_INIT_PATH "/dev/berth-init"

bool berth_spec_add_process(JsonBuilder *builder, const BerthCreateOptions *options,
                            const BerthImageInfo *image, const BerthSpecContext *context,
                            GError **error);

/* is_system: for an init system (berth_spec_is_system()). */
void berth_spec_add_mounts(JsonBuilder *builder, const BerthCreateOptions *options,
                           const BerthImageInfo *image, const BerthSpecContext *context,
                           bool is_system);
