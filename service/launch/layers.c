/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Layers of an image, opened for one overlay. A set of layers is empty, then open, and closed by
 * its owner once the mount is made or has failed. The one thing to know: the IDs on disk are the
 * image's, and only the mounts of the layers map them.
 */

#include "launch/layers.h"

#include "bare/fd.h"
#include "bare/kernel.h"
#include "bare/overlay.h"
#include "launch/private-mounts.h"
#include "launch/text.h"
#include "launch/tree.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

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

bool berth_layers_open(BerthLayers *layers, const BerthTrees *trees, int snapshots,
                       const BerthTexts *names, BerthFault *fault) {
    for (uint32_t i = 0; i < names->count; i++) {
        if (layers->count >= BERTH_MAX_LAYERS)
            return berth_fault_set(fault, "more than %d layers", BERTH_MAX_LAYERS);
        int layer = clone_layer(trees, snapshots, names->texts[i], fault);
        if (layer < 0)
            return false;
        layers->fds[layers->count++] = layer;
    }
    return true;
}

/* Attaches the trees as mounts in the private namespace. The tmpfs covers /run, which this process
 * does not need there. */
static bool attach_layers(const BerthLayers *layers, int writable) {
    char path[BERTH_PROC_PATH_BYTES];

    if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
        return false;
    for (unsigned i = layers->within; i < layers->count + (writable >= 0); i++) {
        int detached = i < layers->count ? layers->fds[i] : writable;
        snprintf(path, sizeof path, "/run/%u", i);
        if (mkdir(path, 0700) < 0 ||
            syscall(SYS_move_mount, detached, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
            return false;
    }
    return true;
}

static int mount_layers(const BerthLayers *layers, int upper, int work, BerthFault *fault) {
    int mount = berth_overlay_mount(layers->fds, layers->count, upper, work, NULL);

    if (mount < 0)
        berth_fault_set_errno(fault, errno, "mount the overlay of %u layers", layers->count);
    return mount;
}

/* Before Linux 6.15 overlayfs takes as layers only mounts of the namespace that it is mounted in
 * (clone_private_mount), and detached trees with mapped IDs belong to none. They are attached in a
 * namespace made for that. overlayfs keeps clones of its own of them, which stay when that
 * namespace goes. */
static int mount_attached(const BerthLayers *layers, int writable, int upper, int work,
                          BerthFault *fault) {
    int before = berth_private_mounts_enter();
    int mount = -1;

    if (before < 0 || !attach_layers(layers, writable))
        berth_fault_set_errno(fault, errno, "attach the layers");
    else
        mount = mount_layers(layers, upper, work, fault);
    if (!berth_private_mounts_leave(before)) {
        if (mount >= 0)
            berth_fault_set_errno(fault, errno, "leave the namespace of the layers");
        berth_fd_clear(&mount);
    }
    return mount;
}

/* Decided by the kernel version rather than by trying, because the kernel logs each mount that it
 * refuses. */
int berth_layers_mount(const BerthLayers *layers, const BerthTrees *trees, int writable, int upper,
                       int work, BerthFault *fault) {
    return trees->userns >= 0 && !berth_kernel_is(6, 15)
               ? mount_attached(layers, writable, upper, work, fault)
               : mount_layers(layers, upper, work, fault);
}

void berth_layers_close(BerthLayers *layers) {
    for (unsigned i = 0; i < layers->count; i++)
        close(layers->fds[i]);
    layers->count = layers->within = 0;
}
