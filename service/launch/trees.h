/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounts that only the host's root can make, as detached trees: the container's root, bind mounts,
 * and /dev with its devices. Where the container has a user namespace they are idmapped to it, so
 * that nothing is ever chowned.
 */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

typedef struct {
    const BerthSetup *setup;
    int userns; /* the container's; -1 */
    bool reads; /* nothing is written: the writable directory may be mounted elsewhere */
} BerthTrees;

/* The root file system; before the mount namespace changes, since layers and the writable directory
 * are mounts of the present one. */
int berth_trees_make_root(const BerthTrees *trees, int directory, int snapshots, BerthFault *fault);

/* Whether this mount is made here; and makes it, in the host's mount namespace. */
bool berth_trees_has(const BerthMount *mount);
int berth_trees_make_mount(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault);

/* A device of Berth's own making, to be bound: what the root shows is nodev, and no file of an
 * image is ever taken for a device. */
int berth_trees_make_device(const BerthTrees *trees, const BerthDevice *device, BerthFault *fault);

/* Whether the mount is a /dev of the container's own, which devices are made in. */
bool berth_trees_is_dev(const BerthMount *mount);

/* Goes into the host's own mount namespace: the service's hides what the service need not see. */
bool berth_trees_enter_host(BerthFault *fault);
/* There, makes the descriptor one of the same directory as the host's namespace has it. */
bool berth_trees_reopen(int fd, BerthFault *fault);
