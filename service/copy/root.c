/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes the container's root the root of this process. A caller's tar and an image's files are
 * processed by libarchive in it, so nothing of the host may be within reach: the root is a separate
 * mount that is nodev and nosuid, and this process becomes root of a user namespace. That is the
 * container's own or, for a container without one, a namespace that maps all IDs but in which
 * devices cannot be created and mounts of the host cannot be changed. All mounts are made before
 * that, with the privileges of the host's root. A step that fails ends the process.
 */

#include "copy/root.h"

#include "bare/overlay.h"
#include "bare/pivot.h"
#include "base/fd.h"
#include "config.h"
#include "launch/mounts.h"
#include "launch/namespaces.h"
#include "launch/peer.h"
#include "launch/root-tree.h"
#include "launch/trees.h"
#include "launch/userns.h"

#include <errno.h>
#include <grp.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* Maps every ID to itself, except the last one, which is not a valid ID (chown(2)). */
static int make_namespace_of_all(void) {
    const BerthRange all = {0, 0, UINT32_MAX};
    const BerthRanges ranges = {&all, 1};
    BerthFault fault;
    int userns = berth_userns_new(&ranges, &ranges, &fault);

    if (userns < 0)
        berth_fail_with("user namespace", &fault);
    return userns;
}

static void become_namespace_root(void) {
    (void)!setgroups(0, NULL);
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        berth_fail_errno("become root", NULL);
    /* A change of IDs makes the process dumpable again. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Whether root could create something in the directory, which it cannot in a mount that does not
 * have its id on disk. This creates nothing: the kernel refuses to make a device in a user
 * namespace, but only after it has looked at the ids. */
static bool root_is_mapped_in(int directory) {
    return mknodat(directory, ".berth-copy", S_IFCHR | 0600, makedev(1, 3)) == 0 ||
           errno != EOVERFLOW;
}

/* The capabilities that remain in the sandbox are unchanged by this, and apply only to files whose
 * owner the mount has. */
void berth_copy_become_owner(const char *path) {
    berth_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int directory =
        root < 0 ? -1 : berth_fd_open_in_root(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    struct stat status;

    if (directory < 0 || root_is_mapped_in(directory) || fstat(directory, &status) < 0)
        return;
    setfsgid(status.st_gid);
    setfsuid(status.st_uid);
    /* As in become_namespace_root(). */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void berth_copy_enter_running(pid_t pid) {
    int flags = berth_namespaces_find(pid) & (CLONE_NEWUSER | CLONE_NEWNS);
    berth_autofd int userns = flags & CLONE_NEWUSER ? -1 : make_namespace_of_all();

    /* The namespace for a container without its own is created before, because its maps are written
     * through the host's /proc. */
    if (setns(BERTH_DIRECTORY_FD, flags) < 0)
        berth_fail_errno("namespaces", "of the container");
    if (userns >= 0 && setns(userns, CLONE_NEWUSER) < 0)
        berth_fail_errno("user namespace", NULL);
    become_namespace_root();
}

static bool restrict_tree(int tree, uint64_t attributes) {
    const struct mount_attr wanted = {
        .attr_set = attributes | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
        /* A clone shares propagation with its source, which a root must not. */
        .propagation = MS_PRIVATE,
    };

    return syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted,
                   sizeof wanted) == 0;
}

/* Makes tree the root, in the user namespace. */
static void enter_container_root(int tree, int userns) {
    if (setns(userns, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        berth_fail_errno("namespaces", NULL);
    if (!berth_pivot(tree))
        berth_fail_errno("root", "change the root");
    become_namespace_root();
}

/* Only one writer at a time, because overlayfs must not have two writable mounts of the same upper
 * directory. The lock is on an empty file, since its descriptor stays open while a tar is read. The
 * kernel releases it when the process ends, however that happens. */
static int lock_writer(void) {
    int lock =
        openat(BERTH_DIRECTORY_FD, "lock", O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0400);

    if (lock < 0 || flock(lock, LOCK_EX) < 0)
        berth_fail_errno("lock", "the container");
    return lock;
}

typedef struct {
    const BerthMount *mount;
    int tree;
} VolumeTree;

static bool is_volume(const BerthMount *mount) {
    if (mount->kind == BERTH_MOUNT_BIND_OF_IMAGE)
        return true;
    return berth_mount_is_bind(mount->kind) && mount->kind != BERTH_MOUNT_BIND_OF_ROOT &&
           mount->source && g_str_has_prefix(mount->source, BERTH_STATEDIR "/volumes/");
}

/* Volumes and images are mounted too: a file copied onto the mount point below would be hidden at
 * the next start. From here on, this process is in the host's mount namespace. */
static GArray *make_volumes(const BerthTrees *trees) {
    GArray *volumes = g_array_new(FALSE, FALSE, sizeof(VolumeTree));
    BerthFault fault;

    for (uint32_t i = 0; i < trees->setup->mount_count; i++) {
        VolumeTree volume = {&trees->setup->mounts[i], -1};
        if (!is_volume(volume.mount))
            continue;
        volume.tree = berth_trees_make_mount(trees, volume.mount, &fault);
        if (volume.tree < 0)
            berth_fail_with("volume", &fault);
        if (!restrict_tree(volume.tree, 0))
            berth_fail_errno("volume", volume.mount->destination);
        g_array_append_val(volumes, volume);
    }
    return volumes;
}

/* A reader cannot create a missing mount point, and there is nothing to read below it. */
static void attach_volumes(GArray *volumes, bool writes) {
    berth_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    for (guint i = 0; i < volumes->len; i++) {
        BerthFault fault;
        const VolumeTree *volume = &g_array_index(volumes, VolumeTree, i);
        if (!berth_mounts_attach(root, volume->mount, volume->tree, &fault) && writes)
            berth_fail_with("volume", &fault);
        close(volume->tree);
    }
}

int berth_copy_enter_stopped(const BerthSetup *setup, bool writes) {
    const BerthNamespace *user = berth_setup_find_namespace(setup, CLONE_NEWUSER);
    bool own = user && !user->path;
    BerthFault fault;
    berth_autofd int userns = own ? berth_userns_new(&setup->uid_ranges, &setup->gid_ranges, &fault)
                                  : make_namespace_of_all();

    if (userns < 0)
        berth_fail_with("user namespace", &fault);
    int lock = writes ? lock_writer() : -1;
    const BerthTrees trees = {setup, own ? userns : -1, !writes};
    berth_autofd int root =
        berth_root_tree_make(&trees, BERTH_DIRECTORY_FD, BERTH_SNAPSHOTS_FD, &fault);
    if (root < 0)
        berth_fail_with("root", &fault);
    if (!restrict_tree(root, 0))
        berth_fail_errno("root", NULL);
    g_autoptr(GArray) volumes = make_volumes(&trees);
    enter_container_root(root, userns);
    attach_volumes(volumes, writes);
    return lock;
}

/* Topmost first, and without the mount points, which are not of the image. */
static int mount_image(const BerthSetup *setup) {
    g_autoptr(GArray) layers = g_array_new(FALSE, FALSE, sizeof(int));

    for (uint32_t i = 0; i < setup->layers.count; i++) {
        const char *name = setup->layers.texts[i];
        if (g_str_has_prefix(name, BERTH_MOUNT_POINTS))
            continue;
        int layer =
            openat(BERTH_SNAPSHOTS_FD, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (layer < 0)
            berth_fail_errno("layer", name);
        g_array_append_val(layers, layer);
    }
    int image = berth_overlay_mount((const int *)layers->data, layers->len, -1, -1, NULL);
    if (image < 0)
        berth_fail_errno("image", "mount its layers");
    for (guint i = 0; i < layers->len; i++)
        close(g_array_index(layers, int, i));
    return image;
}

int berth_copy_enter_image(const BerthSetup *setup) {
    berth_autofd int userns = make_namespace_of_all();
    berth_autofd int image = mount_image(setup);
    /* A separate mount, so that nothing above it can be reached. */
    berth_autofd int upper = (int)syscall(SYS_open_tree, BERTH_DIRECTORY_FD, "upper",
                                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (upper < 0 || !restrict_tree(upper, MOUNT_ATTR_RDONLY) || !restrict_tree(image, 0))
        berth_fail_errno("root", "the container's writable layer");
    enter_container_root(image, userns);
    return berth_fd_steal(&upper);
}
