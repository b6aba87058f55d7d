/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Operations on one detached mount, from which trees are made: clone, map, set attributes
 * (trees.h).
 */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

#include <stdbool.h>
#include <stdint.h>

/* Common to all trees of a container. */
typedef struct {
    const BerthSetup *setup;
    int userns; /* the container's user namespace; -1 for none */
    bool reads; /* read-only: the writable directory may be mounted elsewhere */
} BerthTrees;

/* Clones the mount of a file or directory, with that file as its root and, if recursive, everything
 * mounted below. The mount must belong to the mount namespace of this process. */
int berth_tree_clone(int file, bool recursive, BerthFault *fault);

/* Makes all changes to a tree that mount_setattr(2) supports. An ID map (userns, -1 for none) can
 * be set only once and only while the mount is detached. */
bool berth_tree_set_attributes(int tree, uint64_t set, uint64_t clear, uint64_t propagation,
                               int userns, bool recursive, const char *what, BerthFault *fault);

/* Opens a path with tree as its root, as a descriptor of a location (O_PATH). */
int berth_tree_open_below(int tree, const char *path, BerthFault *fault);

/* Fails if the path no longer leads to the object that the configuration was made for. */
bool berth_tree_check_inode(int fd, const char *path, uint64_t device, uint64_t inode,
                            BerthFault *fault);
