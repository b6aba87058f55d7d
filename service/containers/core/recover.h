/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

/* Finds again what was running when the service ended, with the descriptors that systemd has kept:
 * names and descriptors, which are taken over. Called once, before anything else is done with
 * containers. */
bool berth_containers_recover(BerthContainers *containers, char **names, int *fds, unsigned count,
                              GError **error);
