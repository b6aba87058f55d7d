/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One detached mount, which trees are made of: clone, map, set. See trees.h. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

#include <stdbool.h>
#include <stdint.h>

/* What all trees of a container are made for. */
typedef struct {
    const BerthSetup *setup;
    int userns; /* the container's; -1 */
    bool reads; /* nothing is written: the writable directory may be mounted elsewhere */
} BerthTrees;

/* A clone of the mount of a file or directory, with that as its root; recursive: with what is
 * mounted below. The mount must be of this process' mount namespace. */
int berth_tree_clone(int file, bool recursive, BerthFault *fault);

/* All that mount_setattr(2) does to a tree. An ID map (userns) can be set only while the mount is
 * detached, and only once; -1 for none. */
bool berth_tree_set_attributes(int tree, uint64_t set, uint64_t clear, uint64_t propagation,
                               int userns, bool recursive, const char *what, BerthFault *fault);

/* Refuses a path that no longer leads to the object that the configuration was made for. */
bool berth_tree_check_inode(int fd, const char *path, uint64_t device, uint64_t inode,
                            BerthFault *fault);
