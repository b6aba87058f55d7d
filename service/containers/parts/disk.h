/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Measures the disk usage of users' containers and volumes, in the background. */
extern const BerthPart berth_disk_part;

/* Measures all containers and volumes of owner (UINT32_MAX: of everybody), and calls done after the
 * last one, or immediately if there are none. done is never called if the service ends first. */
typedef void (*BerthDiskMeasured)(void *userdata);
void berth_disk_measure(BerthContainers *containers, uint32_t owner, BerthDiskMeasured done,
                        void *userdata);

/* The last measurements for the same owners, an array of BerthDiskItem. */
typedef struct {
    bool is_volume;
    char *name;
    uint64_t bytes;
} BerthDiskItem;
GPtrArray *berth_disk_list(BerthContainers *containers, uint32_t owner, GError **error);
