/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

/* Finds again what was running when the service ended. names and fds are the descriptors that
 * systemd has kept; the descriptors are taken over. Must be called once, before any other use of
 * containers. */
bool berth_containers_recover(BerthContainers *containers, char **names, int *fds, unsigned count,
                              GError **error);
