/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Project quotas (quotactl(2), PRJQUOTA), with which the kernel itself limits the size of a user's
 * trees. If the file system has none or does not enforce them, trees are measured instead
 * (containers/parts/disk.c).
 */

#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Makes an empty directory, and everything that will be created in it, part of its owner's project,
 * which is limited to this many bytes. Returns false if the file system has no such limits or the
 * owner has no project. */
bool berth_project_assign(int directory, uint32_t owner, uint64_t bytes);

/* Returns the project of a user; 0 for root and for uids above 24 bits, which have none. */
uint32_t berth_project_get_id(uint32_t owner);
