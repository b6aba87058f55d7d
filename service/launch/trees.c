/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which of a container's mounts only the host's root can create, and which file creates them: binds
 * (bind-tree.c), other images (image-tree.c), what a pod shares (pod-tree.c), /dev (device-tree.c),
 * and the host's cgroups and message queues (mounts.c). Each tree is a detached mount, a descriptor
 * that only this process has, from open_tree(2) or fsmount(2) until the inner process attaches it
 * with move_mount(2). The caller owns it and closes it. The one thing to know: attributes are set
 * before a tree leaves this process, because afterwards the container's root could clear everything
 * that is not locked.
 */

#include "launch/trees.h"

#include "launch/bind-tree.h"
#include "launch/device-tree.h"
#include "launch/image-tree.h"
#include "launch/mounts.h"
#include "launch/pod-tree.h"
#include "launch/text.h"

bool berth_trees_is_dev(const BerthMount *mount) {
    return !berth_mount_is_bind(mount->kind) && berth_text_is(mount->destination, "/dev") &&
           mount->type && berth_text_is(mount->type, "tmpfs");
}

bool berth_trees_has(const BerthMount *mount) {
    return mount->kind == BERTH_MOUNT_BIND || mount->kind == BERTH_MOUNT_BIND_OF_POD ||
           mount->kind == BERTH_MOUNT_BIND_OF_IMAGE || mount->kind == BERTH_MOUNT_OF_HOST ||
           berth_trees_is_dev(mount);
}

int berth_trees_make_mount(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault) {
    if (mount->kind == BERTH_MOUNT_OF_HOST)
        return berth_mounts_make(mount, fault);
    if (mount->kind == BERTH_MOUNT_BIND_OF_POD)
        return berth_pod_tree_make(mount, fault);
    if (mount->kind == BERTH_MOUNT_BIND_OF_IMAGE)
        return berth_image_tree_make(trees, mount, fault);
    return berth_trees_is_dev(mount) ? berth_device_tree_make(trees, mount, fault)
                                     : berth_bind_tree_make(trees, mount, fault);
}
