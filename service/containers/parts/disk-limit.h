/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

/* LimitExceeded if the owner has as much on disk as Disk= of berth.conf allows. */
bool berth_disk_check(BerthContainers *containers, uint32_t owner, GError **error);
