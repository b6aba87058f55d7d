/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The files of another image, or a blob of an artifact, as a detached tree, nodev and nosuid
 * whatever the configuration says. The caller owns the tree. Two things to know. A mount that is
 * read-only is not enough, since a container with CAP_SYS_ADMIN can undo that, and the files are
 * shared with others: it is an overlay without a writable layer, which the kernel never makes
 * writable. And the path below the image is the caller's and its links are the image's, so it is
 * resolved with the image as the root, and the image is attached only where nobody else can reach
 * it.
 */

#include "launch/image-tree.h"

#include "bare/fd.h"
#include "bare/kernel.h"
#include "bare/launch-protocol.h"
#include "launch/host.h"
#include "launch/layers.h"
#include "launch/private-mounts.h"

#include <errno.h>
#include <linux/mount.h>
#include <sys/syscall.h>

static int clone_below(int image, const char *subpath, BerthFault *fault) {
    berth_autofd int part = berth_tree_open_below(image, subpath, fault);

    return part < 0 ? -1 : berth_tree_clone(part, false, fault);
}

/* Before Linux 6.15 open_tree(2) clones only mounts of the caller's namespace: the image is
 * attached in one that is made for that. The clone stays when that namespace goes. */
static int clone_attached(int image, const char *subpath, BerthFault *fault) {
    int before = berth_private_mounts_enter();
    int part = -1;

    if (before < 0 ||
        syscall(SYS_move_mount, image, "", AT_FDCWD, "/run", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        berth_fault_set_errno(fault, errno, "attach an image");
    else
        part = clone_below(image, subpath, fault);
    if (!berth_private_mounts_leave(before)) {
        if (part >= 0)
            berth_fault_set_errno(fault, errno, "leave the namespace of an image");
        berth_fd_clear(&part);
    }
    return part;
}

static int take_part(int image, const BerthMount *mount, BerthFault *fault) {
    if (!mount->subpath)
        return fcntl(image, F_DUPFD_CLOEXEC, 0);
    return berth_kernel_is(6, 15) ? clone_below(image, mount->subpath, fault)
                                  : clone_attached(image, mount->subpath, fault);
}

/* An overlay has at least two layers (overlayfs.rst): the lowest is an empty directory. */
static bool open_all_layers(BerthLayers *layers, const BerthTrees *trees, const BerthMount *mount,
                            BerthFault *fault) {
    static char empty[] = "empty";
    char *names[] = {empty, NULL};
    const BerthTexts last = {names, 1};

    return berth_layers_open(layers, trees, BERTH_SNAPSHOTS_FD, &mount->layers, fault) &&
           berth_layers_open(layers, trees, BERTH_DIRECTORY_FD, &last, fault);
}

/* A bind mount that was made before has led this process into the host's mount namespace, where the
 * layers have to be opened again. */
int berth_image_tree_make(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault) {
    static BerthLayers layers; /* larger than a stack should hold */

    if (!berth_host_enter(fault) || !berth_host_reopen(BERTH_SNAPSHOTS_FD, fault) ||
        !berth_host_reopen(BERTH_DIRECTORY_FD, fault))
        return -1;
    berth_autofd int image = open_all_layers(&layers, trees, mount, fault)
                                 ? berth_layers_mount(&layers, trees, -1, -1, -1, fault)
                                 : -1;
    berth_layers_close(&layers);
    berth_autofd int tree = image < 0 ? -1 : take_part(image, mount, fault);
    if (tree < 0 || !berth_tree_set_attributes(
                        tree, mount->set | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
                        0, MS_PRIVATE, -1, false, mount->destination, fault))
        return -1;
    return berth_fd_steal(&tree);
}
