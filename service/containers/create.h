/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

typedef void (*BerthContainerCreated)(BerthContainer *container, const GError *error,
                                      void *userdata);

/* Creates a container. The options are taken over; containers/spec/privileges.h tells what they
 * weaken of the isolation. */
void berth_container_create(BerthContainers *containers, BerthCreateOptions *options,
                            BerthContainerCreated done, void *userdata);
