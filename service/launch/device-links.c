/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A constant table used for both kinds of /dev: the one that the outer process creates as a tree
 * (device-tree.c), and the image's own, which the inner process completes (mounts.c).
 */

#include "launch/device-links.h"

#include <stddef.h>

const BerthDeviceLink berth_device_links[] = {
    {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
    {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},         {NULL, NULL},
};
