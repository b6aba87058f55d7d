/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Project quotas (quotactl(2), PRJQUOTA), with which the kernel itself bounds what a user's trees
 * hold. Where the file system has none, or does not enforce them, trees are measured
 * (containers/parts/disk.c).
 */

#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Makes an empty directory, and all that will be made in it, part of its owner's project, which may
 * hold so many bytes. false if the file system has no such limits, or the owner no project. */
bool berth_project_assign(int directory, uint32_t owner, uint64_t bytes);

/* The project of a user; 0 for root and for users beyond 24 bits, who have none. */
uint32_t berth_project_get_id(uint32_t owner);
