/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Measures what the containers and volumes of users have on disk, in the background. */
extern const BerthPart berth_disk_part;

/* Measures all containers and volumes that owner has (UINT32_MAX: everybody), and calls done when
 * the last one is measured; at once if there is none. The service may end before. */
typedef void (*BerthDiskMeasured)(void *userdata);
void berth_disk_measure(BerthContainers *containers, uint32_t owner, BerthDiskMeasured done,
                        void *userdata);

/* What was measured last, of BerthDiskItem; of the same owners. */
typedef struct {
    bool is_volume;
    char *name;
    uint64_t bytes;
} BerthDiskItem;
GPtrArray *berth_disk_list(BerthContainers *containers, uint32_t owner, GError **error);
