/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

/* Has the kernel enforce Disk= on an empty directory of the owner's, where the file system can. */
void berth_disk_bound(int directory, uint32_t owner);

/* LimitExceeded if the owner has as much on disk as Disk= of berth.conf allows. */
bool berth_disk_check(BerthContainers *containers, uint32_t owner, GError **error);
