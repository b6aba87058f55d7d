/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The symbolic links of every /dev (config-linux.md, Dev symbolic links). */

#pragma once

typedef struct {
    const char *target, *name;
} BerthDeviceLink;

/* The last has no name. */
extern const BerthDeviceLink berth_device_links[];
