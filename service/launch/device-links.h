/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The symbolic links in every /dev (config-linux.md, Dev symbolic links). */

#pragma once

typedef struct {
    const char *target, *name;
} BerthDeviceLink;

/* An entry without a name marks the end. */
extern const BerthDeviceLink berth_device_links[];
