/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The root of a container as a detached mount: an overlay of an image's layers with the container's
 * writable directory on top, or a directory of the host. Nothing but the returned tree outlives the
 * call, and the caller owns it. The one thing to know: the IDs on disk are the image's; only the
 * mounts map them.
 */

#include "launch/root-tree.h"

#include "bare/fd.h"
#include "bare/kernel.h"
#include "bare/overlay.h"
#include "launch/host.h"
#include "launch/text.h"
#include "launch/tree.h"
#include "launch/userns.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* overlayfs accepts 500 layers (OVL_MAX_STACK), and a user namespace 340 ranges. Each limit leaves
 * room for one that Berth adds. */
enum { MAX_LAYERS = 512, MAX_RANGES = 341 };

typedef struct {
    int fds[MAX_LAYERS];
    unsigned count;
} Layers;

/* A layer in the form that overlayfs accepts: the directory itself or, for a container with a user
 * namespace, a clone of its mount that maps the IDs. The IDs on disk do not change. */
static int clone_layer(const BerthTrees *trees, int snapshots, const char *name,
                       BerthFault *fault) {
    berth_autofd int layer =
        openat(snapshots, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (layer < 0) {
        berth_fault_set_errno(fault, errno, "open layer %s", name);
        return -1;
    }
    if (trees->userns < 0)
        return berth_fd_steal(&layer);
    berth_autofd int tree = berth_tree_clone(layer, false, fault);
    if (tree < 0 || !berth_tree_set_attributes(tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0, 0,
                                               trees->userns, false, "a layer", fault))
        return -1;
    return berth_fd_steal(&tree);
}

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

/* Attaches the trees as mounts in a namespace that only this process is in. */
static bool attach_privately(const Layers *layers, int writable) {
    char path[BERTH_PROC_PATH_BYTES];

    /* Made private first, so that nothing mounted here propagates to the service's namespace. The
     * tmpfs covers /run, which this process does not need while it is in this namespace. */
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
        return false;
    for (unsigned i = 0; i <= layers->count; i++) {
        int detached = i < layers->count ? layers->fds[i] : writable;
        snprintf(path, sizeof path, "/run/%u", i);
        if (mkdir(path, 0700) < 0 ||
            syscall(SYS_move_mount, detached, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
            return false;
    }
    return true;
}

static int mount_layers(const Layers *layers, int upper, int work, BerthFault *fault) {
    int mount = berth_overlay_mount(layers->fds, layers->count, upper, work, NULL);

    if (mount < 0)
        berth_fault_set_errno(fault, errno, "mount the overlay of %u layers", layers->count);
    return mount;
}

/* Before Linux 6.15, overlayfs accepts as layers only mounts of the namespace in which it is
 * mounted (clone_private_mount), and detached idmapped trees belong to none. They are attached in a
 * temporary namespace. overlayfs keeps its own clones of them, which stay when that namespace is
 * gone. */
static int mount_attached(const Layers *layers, int writable, int upper, int work,
                          BerthFault *fault) {
    berth_autofd int before = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int mount = -1;

    if (before < 0 || !attach_privately(layers, writable))
        berth_fault_set_errno(fault, errno, "attach the layers");
    else
        mount = mount_layers(layers, upper, work, fault);
    if (before >= 0 && setns(before, CLONE_NEWNS) < 0) {
        if (mount >= 0)
            berth_fault_set_errno(fault, errno, "leave the namespace of the layers");
        berth_fd_clear(&mount);
    }
    return mount;
}

/* The layers of the root, topmost first. If nothing will be written, the upper directory is the
 * topmost layer: a second writable mount would take the work directory away from the first one. */
static bool open_layers(const BerthTrees *trees, int snapshots, int *upper, int *work,
                        Layers *layers, BerthFault *fault) {
    const BerthTexts *names = &trees->setup->layers;

    if (names->count >= MAX_LAYERS)
        return berth_fault_set(fault, "the root has more than %d layers", MAX_LAYERS - 1);
    if (trees->reads) {
        layers->fds[layers->count++] = berth_fd_steal(upper);
        berth_fd_clear(work);
    }
    for (uint32_t i = 0; i < names->count; i++) {
        int layer = clone_layer(trees, snapshots, names->texts[i], fault);
        if (layer < 0)
            return false;
        layers->fds[layers->count++] = layer;
    }
    return true;
}

static int make_overlay(const BerthTrees *trees, int directory, int snapshots, BerthFault *fault) {
    berth_autofd int writable = open_writable(trees, directory, fault);
    Layers layers = {.count = 0};
    int mount = -1;

    if (writable < 0)
        return -1;
    berth_autofd int upper = openat(writable, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int work = openat(writable, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (upper < 0 || work < 0) {
        berth_fault_set_errno(fault, errno, "open the container's writable layer");
        return -1;
    }
    /* Decided by the kernel version rather than by trying, because the kernel logs each mount that
     * it refuses. */
    if (open_layers(trees, snapshots, &upper, &work, &layers, fault))
        mount = trees->userns >= 0 && !berth_kernel_is(6, 15)
                    ? mount_attached(&layers, writable, upper, work, fault)
                    : mount_layers(&layers, upper, work, fault);
    for (unsigned i = 0; i < layers.count; i++)
        close(layers.fds[i]);
    return mount;
}

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
    return trees->setup->layers.texts ? make_overlay(trees, directory, snapshots, fault)
                                      : make_directory_root(trees->setup, fault);
}
