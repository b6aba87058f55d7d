/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The root of a container as a detached mount: an overlay of an image's layers with the container's
 * writable directory on top, or a directory of the host, which for Create's options is a bind mount
 * (bind-tree.c). Nothing but the returned tree outlives the
 * call, and the caller owns it. The one thing to know: the IDs on disk are the image's; only the
 * mounts map them.
 */

#include "launch/root-tree.h"

#include "bare/fd.h"
#include "launch/bind-tree.h"
#include "launch/host.h"
#include "launch/layers.h"
#include "launch/text.h"
#include "launch/tree.h"
#include "launch/userns.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>

/* A user namespace accepts 340 ranges (user_namespaces(7)); one more is Berth's. */
enum { MAX_RANGES = 341 };

/* The map of the writable directory is the container's plus one range: overlayfs creates files
 * there as the host's root, which needs an ID on disk. It gets the first ID after the container's.
 * more has room for one range more than ranges. */
static BerthRanges add_host_root(const BerthRanges *ranges, BerthRange *more) {
    uint32_t beyond = 0;

    for (uint32_t i = 0; i < ranges->count; i++) {
        const BerthRange *range = &ranges->ranges[i];
        if (range->outside == 0)
            return *ranges;
        beyond = BERTH_MAX(beyond, range->inside + range->count);
        more[i] = *range;
    }
    more[ranges->count] = (BerthRange){beyond, 0, 1};
    return (BerthRanges){more, ranges->count + 1};
}

/* The container's directory or, with a user namespace, an idmapped mount of it. */
static int open_writable(const BerthTrees *trees, int directory, BerthFault *fault) {
    if (trees->userns < 0)
        return fcntl(directory, F_DUPFD_CLOEXEC, 0);
    BerthRange uid_ranges[MAX_RANGES], gid_ranges[MAX_RANGES];
    if (trees->setup->uid_ranges.count >= MAX_RANGES ||
        trees->setup->gid_ranges.count >= MAX_RANGES) {
        berth_fault_set(fault, "a user namespace has at most %d ranges", MAX_RANGES - 1);
        return -1;
    }
    const BerthRanges uids = add_host_root(&trees->setup->uid_ranges, uid_ranges);
    const BerthRanges gids = add_host_root(&trees->setup->gid_ranges, gid_ranges);
    berth_autofd int userns = berth_userns_new(&uids, &gids, fault);
    berth_autofd int tree = userns < 0 ? -1 : berth_tree_clone(directory, false, fault);

    if (tree < 0 || !berth_tree_set_attributes(tree, 0, 0, 0, userns, false,
                                               "the container's directory", fault))
        return -1;
    return berth_fd_steal(&tree);
}

/* The layers of the root, topmost first. If nothing will be written, the upper directory is the
 * topmost layer: a second writable mount would take the work directory away from the first one. */
static bool open_layers(const BerthTrees *trees, int snapshots, int *upper, int *work,
                        BerthLayers *layers, BerthFault *fault) {
    if (trees->reads) {
        layers->fds[layers->count++] = berth_fd_steal(upper);
        layers->within = 1;
        berth_fd_clear(work);
    }
    return berth_layers_open(layers, trees, snapshots, &trees->setup->layers, fault);
}

static int make_overlay(const BerthTrees *trees, int directory, int snapshots, BerthFault *fault) {
    berth_autofd int writable = open_writable(trees, directory, fault);
    BerthLayers layers = {.count = 0};
    int mount = -1;

    if (writable < 0)
        return -1;
    berth_autofd int upper = openat(writable, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int work = openat(writable, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (upper < 0 || work < 0) {
        berth_fault_set_errno(fault, errno, "open the container's writable layer");
        return -1;
    }
    if (open_layers(trees, snapshots, &upper, &work, &layers, fault))
        mount = berth_layers_mount(&layers, trees, writable, upper, work, fault);
    berth_layers_close(&layers);
    return mount;
}

/* The root of a caller's own configuration, which is a privilege of its own. */
static int make_directory_root(const BerthSetup *setup, BerthFault *fault) {
    if (!berth_host_enter(fault))
        return -1;
    berth_autofd int root = open(setup->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        berth_fault_set_errno(fault, errno, "open the root directory %s", setup->root);
        return -1;
    }
    if (setup->root_has_inode &&
        !berth_tree_check_inode(root, setup->root, setup->root_device, setup->root_inode, fault))
        return -1;
    berth_autofd int tree = berth_tree_clone(root, true, fault);
    /* pivot_root(2) refuses a shared mount. As a slave, the root still receives later mounts of the
     * host, which happens only if the configuration asks for it. */
    uint64_t propagation = setup->root_propagation & (MS_SLAVE | MS_SHARED) ? MS_SLAVE : MS_PRIVATE;
    if (tree < 0 ||
        !berth_tree_set_attributes(tree, 0, 0, propagation, -1, true, setup->root, fault))
        return -1;
    return berth_fd_steal(&tree);
}

int berth_root_tree_make(const BerthTrees *trees, int directory, int snapshots, BerthFault *fault) {
    const BerthSetup *setup = trees->setup;

    if (setup->layers.texts)
        return make_overlay(trees, directory, snapshots, fault);
    return setup->root_mount ? berth_bind_tree_make(trees, setup->root_mount, fault)
                             : make_directory_root(setup, fault);
}
