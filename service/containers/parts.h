/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

/* Creates the table of the service's containers, with all parts. directory is the state
 * directory. */
BerthContainers *berth_containers_new(sd_bus *bus, int directory, BerthImages *images,
                                      GError **error);
