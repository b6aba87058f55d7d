/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

/* The service's containers, with all parts. directory: the state directory. */
BerthContainers *berth_containers_new(sd_bus *bus, int directory, BerthImages *images,
                                      GError **error);
