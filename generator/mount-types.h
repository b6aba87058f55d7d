/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types of Mount=, which are those of dist's --mount. */

#pragma once

typedef enum {
    BERTH_MOUNT_BIND,
    BERTH_MOUNT_GLOB, /* a bind mount of each match */
    BERTH_MOUNT_VOLUME,
    BERTH_MOUNT_TMPFS,
    BERTH_MOUNT_IMAGE,
    BERTH_MOUNT_ARTIFACT,
    BERTH_MOUNT_DEVPTS,
} BerthMountType;

/* Their names, in this order; ends with NULL. */
extern const char *const berth_mount_types[];
