/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

/* Makes the kernel enforce Disk= on an empty directory of this owner, if the file system supports
 * it. */
void berth_disk_bound(int directory, uint32_t owner);

/* LimitExceeded if the owner already uses as much disk space as Disk= in berth.conf allows. */
bool berth_disk_check(BerthContainers *containers, uint32_t owner, GError **error);
