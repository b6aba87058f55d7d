/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

typedef void (*BerthContainerCreated)(BerthContainer *container, const GError *error,
                                      void *userdata);

/* Creates a container. Takes over the options; containers/spec/privileges.h lists how they may
 * weaken the isolation. */
void berth_container_create(BerthContainers *containers, BerthCreateOptions *options,
                            BerthContainerCreated done, void *userdata);
