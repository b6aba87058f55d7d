/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every tree is a detached mount: a descriptor that only this process has, from open_tree(2) or
 * fsmount(2) until the inner process attaches it with move_mount(2). The caller owns it and closes
 * it. The one thing to know: attributes are set before a tree leaves this process, since afterwards
 * the container's root could clear what is not locked.
 */

#include "launch/trees.h"

#include "bare/fd.h"
#include "bare/kernel.h"
#include "bare/overlay.h"
#include "launch/children.h"
#include "launch/device-links.h"
#include "launch/mounts.h"
#include "launch/text.h"
#include "launch/userns.h"

#include <errno.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

/* overlayfs takes 500 layers (OVL_MAX_STACK), a user namespace 340 ranges. Each of these leaves
 * room for one more, which is Berth's. */
enum { MAX_LAYERS = 512, MAX_RANGES = 341 };

typedef struct {
    int fds[MAX_LAYERS];
    unsigned count;
} Layers;

static int clone_tree(int file, bool recursive, BerthFault *fault) {
    int tree = (int)syscall(SYS_open_tree, file, "",
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
                                (recursive ? AT_RECURSIVE : 0));

    if (tree < 0)
        berth_fault_set_errno(fault, errno, "clone the mount of a directory");
    return tree;
}

/* All that mount_setattr(2) does to a tree. An ID map (userns) can be set only while the mount is
 * detached, and only once. */
static bool set_attributes(int tree, uint64_t set, uint64_t clear, uint64_t propagation, int userns,
                           bool recursive, const char *what, BerthFault *fault) {
    struct mount_attr attributes = {
        .attr_set = set | (userns >= 0 ? MOUNT_ATTR_IDMAP : 0),
        .attr_clr = clear,
        .propagation = propagation,
        .userns_fd = userns >= 0 ? (uint64_t)userns : 0,
    };

    if (attributes.attr_set == 0 && clear == 0 && propagation == 0)
        return true;
    return syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0),
                   &attributes, sizeof attributes) == 0 ||
           berth_fault_set_errno(fault, errno, "%s %s", userns >= 0 ? "map the ids of" : "mount",
                                 what);
}

/* A layer as overlayfs takes it: the directory itself or, for a container with a user namespace, a
 * clone of its mount that maps the IDs. The IDs on disk stay as they are. */
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
    berth_autofd int tree = clone_tree(layer, false, fault);
    if (tree < 0 || !set_attributes(tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0, 0, trees->userns,
                                    false, "a layer", fault))
        return -1;
    return berth_fd_steal(&tree);
}

/* The map of the writable directory is the container's with one range more: overlayfs makes files
 * there as the host's root, which must have an ID on disk. It gets the first ID beyond the
 * container's. more has room for one range more than ranges. */
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

/* The container's directory, or, with a user namespace, the same seen through its ids. */
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
    berth_autofd int tree = userns < 0 ? -1 : clone_tree(directory, false, fault);

    if (tree < 0 ||
        !set_attributes(tree, 0, 0, 0, userns, false, "the container's directory", fault))
        return -1;
    return berth_fd_steal(&tree);
}

/* Makes the trees mounts of a namespace of this process alone. */
static bool attach_privately(const Layers *layers, int writable) {
    char path[BERTH_PROC_PATH_BYTES];

    /* Private first, so that nothing mounted here propagates to the service's namespace. The tmpfs
     * covers /run, which this process does not need while it is in this namespace. */
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
    int mount = berth_overlay_mount(layers->fds, layers->count, upper, work);

    if (mount < 0)
        berth_fault_set_errno(fault, errno, "mount the overlay of %u layers", layers->count);
    return mount;
}

/* Before Linux 6.15 overlayfs takes as layers only mounts of the namespace that it is mounted in
 * (clone_private_mount), and detached trees with mapped IDs belong to none. They are attached in a
 * namespace made for that. overlayfs keeps clones of its own of them, which stay when that
 * namespace goes. */
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

/* The layers of the root, topmost first. If nothing is to be written, the upper directory becomes
 * the topmost of them: a second writable mount would take the first one's working directory
 * away. */
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
    /* The version decides, not an attempt: the kernel logs each mount that it refuses. */
    if (open_layers(trees, snapshots, &upper, &work, &layers, fault))
        mount = trees->userns >= 0 && !berth_kernel_is(6, 15)
                    ? mount_attached(&layers, writable, upper, work, fault)
                    : mount_layers(&layers, upper, work, fault);
    for (unsigned i = 0; i < layers.count; i++)
        close(layers.fds[i]);
    return mount;
}

/* Refuses a path that no longer leads to the object that the configuration was made for. */
static bool check_inode(int fd, const char *path, uint64_t device, uint64_t inode,
                        BerthFault *fault) {
    struct stat status;

    if (fstat(fd, &status) < 0)
        return berth_fault_set_errno(fault, errno, "look at %s", path);
    return (status.st_dev == device && status.st_ino == inode) ||
           berth_fault_set(fault, "%s is no longer what was given to the container", path);
}

static int make_directory_root(const BerthSetup *setup, BerthFault *fault) {
    if (!berth_trees_enter_host(fault))
        return -1;
    berth_autofd int root = open(setup->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        berth_fault_set_errno(fault, errno, "open the root directory %s", setup->root);
        return -1;
    }
    if (setup->root_has_inode &&
        !check_inode(root, setup->root, setup->root_device, setup->root_inode, fault))
        return -1;
    berth_autofd int tree = clone_tree(root, true, fault);
    /* pivot_root(2) refuses a shared mount. As a slave, the root still receives what is mounted on
     * the host later; that happens only if the configuration asks for it. */
    uint64_t propagation = setup->root_propagation & (MS_SLAVE | MS_SHARED) ? MS_SLAVE : MS_PRIVATE;
    if (tree < 0 || !set_attributes(tree, 0, 0, propagation, -1, true, setup->root, fault))
        return -1;
    return berth_fd_steal(&tree);
}

int berth_trees_make_root(const BerthTrees *trees, int directory, int snapshots,
                          BerthFault *fault) {
    return trees->setup->layers.texts ? make_overlay(trees, directory, snapshots, fault)
                                      : make_directory_root(trees->setup, fault);
}

bool berth_trees_enter_host(BerthFault *fault) {
    static bool entered;
    berth_autofd int namespace = -1;

    if (entered)
        return true;
    namespace = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || setns(namespace, CLONE_NEWNS) < 0)
        return berth_fault_set_errno(fault, errno, "enter the host's mount namespace");
    return entered = true;
}

/* A descriptor stays in the mount namespace that it was opened in, and open_tree(2) clones only
 * mounts of the caller's. The kernel's path of the descriptor is therefore opened again, now in the
 * host's namespace. */
bool berth_trees_reopen(int fd, BerthFault *fault) {
    char link[BERTH_PROC_PATH_BYTES], path[PATH_MAX];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return berth_fault_set_errno(fault, errno, "look at %s", link);
    path[size] = '\0';
    berth_autofd int again = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (again >= 0 && dup3(again, fd, O_CLOEXEC) >= 0) ||
           berth_fault_set_errno(fault, errno, "open %s again", path);
}

bool berth_trees_is_dev(const BerthMount *mount) {
    return !mount->bind && berth_text_is(mount->destination, "/dev") && mount->type &&
           berth_text_is(mount->type, "tmpfs");
}

bool berth_trees_has(const BerthMount *mount) {
    return (mount->bind && !mount->self) || mount->hosts_cgroups || berth_trees_is_dev(mount);
}

/* The group that the container's root stands for on this mount. group/main.c explains why it may
 * differ from the group of the source. */
static bool find_owner_group(uid_t owner, gid_t group, gid_t *found, BerthFault *fault) {
    char owner_text[16], group_text[16], answer[16], *end;
    char *arguments[] = {(char *)"berth-group", owner_text, group_text, NULL};

    *found = group;
    if (owner == 0)
        return true;
    berth_autofd int output = memfd_create("group", MFD_CLOEXEC);
    snprintf(owner_text, sizeof owner_text, "%u", owner);
    snprintf(group_text, sizeof group_text, "%u", group);
    int status = output < 0 ? -1 : berth_child_run(arguments, output, STDERR_FILENO + 1);
    if (status < 0)
        return berth_fault_set_errno(fault, errno, "run berth-group");
    ssize_t size = pread(output, answer, sizeof answer - 1, 0);
    answer[size > 0 ? size : 0] = '\0';
    *found = (gid_t)strtoul(answer, &end, 10);
    return (status == 0 && end != answer && *end == '\n') ||
           berth_fault_set(fault, "berth-group does not say the group of user %u", owner);
}

/* The map of a mount that stands for its owner: the owner of the source is the container's root. */
static int make_owner_map(const BerthTrees *trees, const BerthMount *mount, int source,
                          BerthFault *fault) {
    BerthRange uid = {(uint32_t)mount->owner, 0, 1}, gids[2] = {{0, 0, 1}};
    BerthRanges uid_map = {&uid, 1}, gid_map = {gids, 1};
    struct stat status;

    if (fstat(source, &status) < 0 ||
        !berth_userns_map(&trees->setup->uid_ranges, 0, &uid.outside) ||
        !berth_userns_map(&trees->setup->gid_ranges, 0, &gids[0].outside)) {
        berth_fault_set(fault, "mount %s: there is no root to map to", mount->destination);
        return -1;
    }
    if (!find_owner_group((uid_t)mount->owner, status.st_gid, &gids[0].inside, fault))
        return -1;
    /* The kernel lets nobody write to files with IDs that the map of their mount lacks. The group
     * of the source is therefore mapped as well, to itself, which shows as nobody in the
     * container. */
    if (gids[0].inside != status.st_gid)
        gids[gid_map.count++] = (BerthRange){status.st_gid, status.st_gid, 1};
    return berth_userns_new(&uid_map, &gid_map, fault);
}

/* The map of a bind mount: one of its own, the owner of the source as the container's root, or the
 * container's. */
static int make_map(const BerthTrees *trees, const BerthMount *mount, int source,
                    BerthFault *fault) {
    if (mount->owner >= 0)
        return make_owner_map(trees, mount, source, fault);
    if (mount->uid_ranges.count > 0)
        return berth_userns_new(&mount->uid_ranges, &mount->gid_ranges, fault);
    int copy = trees->userns < 0 ? -1 : fcntl(trees->userns, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        berth_fault_set(fault, "mount %s: \"idmap\" needs a user namespace or mappings",
                        mount->destination);
    return copy;
}

static bool apply_map(const BerthTrees *trees, const BerthMount *mount, int source, int tree,
                      BerthFault *fault) {
    if (mount->idmap == BERTH_IDMAP_NONE || (mount->owner >= 0 && trees->userns < 0))
        return true;
    berth_autofd int map = make_map(trees, mount, source, fault);
    if (map < 0)
        return false;
    if (set_attributes(tree, 0, 0, 0, map, mount->idmap == BERTH_IDMAP_RECURSIVE, mount->source,
                       NULL))
        return true;
    /* Not every file system supports ID maps. A map that the configuration asks for must succeed;
     * the owner's is a convenience, and the mount does without. */
    return mount->owner >= 0 ||
           berth_fault_set_errno(fault, errno, "map the ids of %s", mount->source);
}

static int make_bind(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault) {
    if (!berth_trees_enter_host(fault))
        return -1;
    berth_autofd int source = open(mount->source, O_PATH | O_CLOEXEC);
    if (source < 0) {
        berth_fault_set_errno(fault, errno, "mount %s: open %s", mount->destination, mount->source);
        return -1;
    }
    if (mount->has_inode && !check_inode(source, mount->source, mount->device, mount->inode, fault))
        return -1;
    berth_autofd int tree = clone_tree(source, mount->recursive, fault);
    /* A clone is in the peer group of its source: without a propagation of its own, mounts in the
     * container would appear on the host. */
    uint64_t propagation = mount->propagation ? mount->propagation : MS_PRIVATE | MS_REC;
    /* From the widest to the narrowest: this mount may differ from those below it. */
    if (tree < 0 || !apply_map(trees, mount, source, tree, fault) ||
        !set_attributes(tree, mount->set_below, mount->clear_below, 0, -1, true, mount->source,
                        fault) ||
        !set_attributes(tree, mount->set, mount->clear, 0, -1, false, mount->source, fault) ||
        !set_attributes(tree, 0, 0, propagation & ~(uint64_t)MS_REC, -1, propagation & MS_REC,
                        mount->source, fault))
        return -1;
    return berth_fd_steal(&tree);
}

/* The mode comes last: mknod(2) applies the umask, and a change of the owner clears set-user-ID
 * (chown(2)). */
static bool add_device(int directory, const char *name, const BerthDevice *device, uid_t uid,
                       gid_t gid, BerthFault *fault) {
    if (mknodat(directory, name, device->type | device->mode,
                makedev(device->major, device->minor)) < 0 ||
        fchownat(directory, name, uid, gid, 0) < 0 ||
        fchmodat(directory, name, device->mode & 07777, 0) < 0)
        return berth_fault_set_errno(fault, errno, "make %s", device->path);
    return true;
}

/* The file systems that devices are made in are not idmapped. The owner of a device is therefore
 * translated from the container's IDs to the host's. */
static bool map_owner(const BerthTrees *trees, const BerthDevice *device, uint32_t *uid,
                      uint32_t *gid, BerthFault *fault) {
    *uid = device->uid;
    *gid = device->gid;
    return trees->userns < 0 ||
           (berth_userns_map(&trees->setup->uid_ranges, device->uid, uid) &&
            berth_userns_map(&trees->setup->gid_ranges, device->gid, gid)) ||
           berth_fault_set(fault, "the owner of device %s is not an ID of the container",
                           device->path);
}

/* The directory of /dev/a/b, which is made if it is missing. It is opened one component after the
 * other and never through a link: /dev/fd leads to the descriptors of this process. */
static int make_parent(int dev, const char *name, uid_t uid, gid_t gid, BerthFault *fault) {
    berth_autofd int parent = fcntl(dev, F_DUPFD_CLOEXEC, 0);

    for (const char *slash; parent >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        char part[NAME_MAX + 1];
        if (slash == name)
            continue;
        if ((size_t)snprintf(part, sizeof part, "%.*s", (int)(slash - name), name) >= sizeof part) {
            berth_fd_clear(&parent);
            errno = ENAMETOOLONG;
            break;
        }
        bool made = mkdirat(parent, part, 0755) == 0;
        int below = made || errno == EEXIST
                        ? openat(parent, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                        : -1;
        if (made && below >= 0)
            (void)!fchown(below, uid, gid);
        close(parent);
        parent = below;
    }
    if (parent < 0)
        berth_fault_set_errno(fault, errno, "make the directory of a device in /dev");
    return berth_fd_steal(&parent);
}

static bool add_asked(const BerthTrees *trees, int dev, uid_t root_uid, gid_t root_gid,
                      BerthFault *fault) {
    const BerthSetup *setup = trees->setup;

    for (uint32_t i = 0; i < setup->device_count; i++) {
        const BerthDevice *device = &setup->devices[i];
        uint32_t uid, gid;
        if (!berth_text_begins(device->path, "/dev/"))
            continue;
        const char *name = device->path + strlen("/dev/");
        if (!map_owner(trees, device, &uid, &gid, fault))
            return false;
        berth_autofd int parent = make_parent(dev, name, root_uid, root_gid, fault);
        if (parent < 0)
            return false;
        const char *base = strrchr(device->path, '/') + 1;
        /* The default ones may be listed again, with other attributes. */
        if (unlinkat(parent, base, 0) < 0 && errno != ENOENT)
            return berth_fault_set_errno(fault, errno, "make %s", device->path);
        if (!add_device(parent, base, device, uid, gid, fault))
            return false;
    }
    return true;
}

static bool fill_dev(const BerthTrees *trees, int tree, BerthFault *fault) {
    uint32_t uid = 0, gid = 0;

    if (trees->userns >= 0 && (!berth_userns_map(&trees->setup->uid_ranges, 0, &uid) ||
                               !berth_userns_map(&trees->setup->gid_ranges, 0, &gid)))
        return berth_fault_set(fault, "the user namespace has no root");
    if (fchownat(tree, "", uid, gid, AT_EMPTY_PATH) < 0)
        return berth_fault_set_errno(fault, errno, "make /dev");
    for (const BerthDevice *device = berth_default_devices; device->path; device++)
        if (!add_device(tree, device->path + strlen("/dev/"), device, uid, gid, fault))
            return false;
    for (const BerthDeviceLink *link = berth_device_links; link->name; link++)
        if (symlinkat(link->target, tree, link->name) < 0 ||
            fchownat(tree, link->name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
            return berth_fault_set_errno(fault, errno, "make /dev/%s", link->name);
    return add_asked(trees, tree, uid, gid, fault);
}

/* A tmpfs as /dev, with its devices and links. It stays writable until all mount points in it are
 * made (berth_mounts_close). */
static int make_dev(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault) {
    BerthMount dev = *mount;

    if (!dev.source)
        dev.source = "tmpfs";
    berth_autofd int tree = berth_mounts_make(&dev, fault);
    return tree >= 0 && fill_dev(trees, tree, fault) ? berth_fd_steal(&tree) : -1;
}

int berth_trees_make_mount(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault) {
    if (mount->hosts_cgroups)
        return berth_mounts_make(mount, fault);
    return berth_trees_is_dev(mount) ? make_dev(trees, mount, fault)
                                     : make_bind(trees, mount, fault);
}

static int make_node(const BerthTrees *trees, const BerthDevice *device, BerthFault *fault) {
    berth_autofd int run = open("/run", O_PATH | O_DIRECTORY | O_CLOEXEC);
    uint32_t uid, gid;

    if (run < 0) {
        berth_fault_set_errno(fault, errno, "make %s", device->path);
        return -1;
    }
    /* An owner that the container does not have shows as nobody there. */
    (void)map_owner(trees, device, &uid, &gid, NULL);
    if (!add_device(run, "node", device, uid, gid, fault))
        return -1;
    int node = (int)syscall(SYS_open_tree, run, "node", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (node < 0)
        berth_fault_set_errno(fault, errno, "make %s", device->path);
    return node;
}

/* Works in a mount namespace made for that, since only an attached mount can be cloned. The tmpfs
 * at its /run holds the nodes; their mounts keep it when the namespace goes. */
int berth_trees_make_device(const BerthTrees *trees, const BerthDevice *device, BerthFault *fault) {
    berth_autofd int before = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    berth_autofd int node = -1;

    if (before < 0 || unshare(CLONE_NEWNS) < 0) {
        berth_fault_set_errno(fault, errno, "make %s", device->path);
        return -1;
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("devices", "/run", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k") < 0)
        berth_fault_set_errno(fault, errno, "make %s", device->path);
    else
        node = make_node(trees, device, fault);
    if (setns(before, CLONE_NEWNS) == 0)
        return berth_fd_steal(&node);
    if (node >= 0)
        berth_fault_set_errno(fault, errno, "leave the namespace of the devices");
    return -1;
}
