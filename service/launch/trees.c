/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/trees.h"

#include "base/fd.h"
#include "base/kernel.h"
#include "base/overlay.h"
#include "launch/mounts.h"
#include "launch/owner-group.h"
#include "launch/userns.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

const BerthDeviceLink berth_device_links[] = {
    {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
    {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},         {NULL, NULL},
};

static int clone_tree(int file, bool recursive, GError **error) {
    int tree = (int)syscall(SYS_open_tree, file, "",
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
                                (recursive ? AT_RECURSIVE : 0));

    if (tree < 0)
        berth_error_set_errno(error, errno, "clone the mount of a directory");
    return tree;
}

static bool set_attributes(int tree, uint64_t set, uint64_t clear, uint64_t propagation, int userns,
                           bool recursive, const char *what, GError **error) {
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
           berth_error_set_errno(error, errno, "%s %s", userns >= 0 ? "map the ids of" : "mount",
                                 what);
}

static int clone_layer(const BerthTrees *trees, int snapshots, const char *name, GError **error) {
    berth_autofd int layer =
        openat(snapshots, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (layer < 0) {
        berth_error_set_errno(error, errno, "open layer %s", name);
        return -1;
    }
    if (trees->userns < 0)
        return berth_fd_steal(&layer);
    berth_autofd int tree = clone_tree(layer, false, error);
    if (tree < 0 || !set_attributes(tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0, 0, trees->userns,
                                    false, "a layer", error))
        return -1;
    return berth_fd_steal(&tree);
}

/*
 * The map of the writable directory is the container's and one more: what overlayfs itself makes
 * there, as the host's root, must have an id on disk. The first id beyond the container's is
 * nobody's.
 */
static GArray *add_host_root(const GArray *ranges) {
    GArray *more = g_array_copy((GArray *)ranges);
    uint32_t beyond = 0;

    for (guint i = 0; i < ranges->len; i++) {
        const BerthPlanRange *range = &g_array_index(ranges, BerthPlanRange, i);
        if (range->outside == 0)
            return more;
        beyond = MAX(beyond, range->inside + range->count);
    }
    BerthPlanRange root = {beyond, 0, 1};
    g_array_append_val(more, root);
    return more;
}

/* The container's directory, or, with a user namespace, the same seen through its ids. */
static int open_writable(const BerthTrees *trees, int directory, GError **error) {
    if (trees->userns < 0)
        return fcntl(directory, F_DUPFD_CLOEXEC, 0);
    g_autoptr(GArray) uids = add_host_root(trees->plan->uid_ranges);
    g_autoptr(GArray) gids = add_host_root(trees->plan->gid_ranges);
    berth_autofd int userns = berth_userns_new(uids, gids, error);
    berth_autofd int tree = userns < 0 ? -1 : clone_tree(directory, false, error);

    if (tree < 0 ||
        !set_attributes(tree, 0, 0, 0, userns, false, "the container's directory", error))
        return -1;
    return berth_fd_steal(&tree);
}

/* Makes the trees mounts of a namespace of this process alone. */
static bool attach_privately(const int *detached, unsigned count) {
    /* It covers what nobody needs meanwhile. */
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
        return false;
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *path = g_strdup_printf("/run/%u", i);
        if (mkdir(path, 0700) < 0 ||
            syscall(SYS_move_mount, detached[i], "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
            return false;
    }
    return true;
}

/*
 * Before Linux 6.15 overlayfs takes as layers only mounts of the namespace that it is mounted in
 * (clone_private_mount), which detached trees with mapped ids are not. What it makes of them are
 * clones of its own, which stay when that namespace goes.
 */
static int mount_attached(GArray *layers, int writable, int upper, int work, GError **error) {
    berth_autofd int before = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    g_autoptr(GArray) detached = g_array_copy(layers);
    int mount = -1;

    g_array_append_val(detached, writable);
    if (before < 0 || !attach_privately((const int *)detached->data, detached->len))
        berth_error_set_errno(error, errno, "attach the layers");
    else
        mount = berth_overlay_mount((const int *)layers->data, layers->len, upper, work, error);
    if (before >= 0 && setns(before, CLONE_NEWNS) < 0) {
        if (mount >= 0)
            berth_error_set_errno(error, errno, "leave the namespace of the layers");
        berth_fd_clear(&mount);
    }
    return mount;
}

static int mount_layers(const BerthTrees *trees, GArray *layers, int writable, int upper, int work,
                        GError **error) {
    /* Not tried first: the kernel logs it each time. */
    if (trees->userns >= 0 && !berth_kernel_is(6, 15))
        return mount_attached(layers, writable, upper, work, error);
    return berth_overlay_mount((const int *)layers->data, layers->len, upper, work, error);
}

static int make_overlay(const BerthTrees *trees, int directory, int snapshots, GError **error) {
    g_autoptr(GArray) layers = g_array_new(FALSE, FALSE, sizeof(int));
    berth_autofd int writable = open_writable(trees, directory, error);
    int mount = -1;

    if (writable < 0)
        return -1;
    berth_autofd int upper = openat(writable, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int work = openat(writable, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (upper < 0 || work < 0) {
        berth_error_set_errno(error, errno, "open the container's writable layer");
        return -1;
    }
    if (trees->reads) {
        /* A second writable mount would take the first one's working directory away. */
        g_array_append_val(layers, upper);
        upper = -1;
        berth_fd_clear(&work);
    }
    bool good = true;
    for (char **name = trees->plan->layers; good && *name; name++) {
        int layer = clone_layer(trees, snapshots, *name, error);
        good = layer >= 0;
        if (good)
            g_array_append_val(layers, layer);
    }
    if (good)
        mount = mount_layers(trees, layers, writable, upper, work, error);
    for (guint i = 0; i < layers->len; i++)
        close(g_array_index(layers, int, i));
    return mount;
}

static bool check_inode(int fd, const char *path, uint64_t device, uint64_t inode, GError **error) {
    struct stat status;

    if (fstat(fd, &status) < 0)
        return berth_error_set_errno(error, errno, "look at %s", path);
    return (status.st_dev == device && status.st_ino == inode) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "%s is not what was given for the container any more", path);
}

static int make_directory_root(const BerthPlan *plan, GError **error) {
    if (!berth_trees_enter_host(error))
        return -1;
    berth_autofd int root = open(plan->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        berth_error_set_errno(error, errno, "open the root directory %s", plan->root);
        return -1;
    }
    if (plan->root_has_inode &&
        !check_inode(root, plan->root, plan->root_device, plan->root_inode, error))
        return -1;
    berth_autofd int tree = clone_tree(root, true, error);
    /* A shared mount cannot become a root; what is mounted on the host later comes only where the
     * configuration asks for it. */
    uint64_t propagation = plan->root_propagation & (MS_SLAVE | MS_SHARED) ? MS_SLAVE : MS_PRIVATE;
    if (tree < 0 || !set_attributes(tree, 0, 0, propagation, -1, true, plan->root, error))
        return -1;
    return berth_fd_steal(&tree);
}

int berth_trees_make_root(const BerthTrees *trees, int directory, int snapshots, GError **error) {
    return trees->plan->layers ? make_overlay(trees, directory, snapshots, error)
                               : make_directory_root(trees->plan, error);
}

bool berth_trees_enter_host(GError **error) {
    static bool entered;
    berth_autofd int namespace = -1;

    if (entered)
        return true;
    namespace = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || setns(namespace, CLONE_NEWNS) < 0)
        return berth_error_set_errno(error, errno, "enter the host's mount namespace");
    return entered = true;
}

bool berth_trees_reopen(int fd, GError **error) {
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *path = g_file_read_link(link, NULL);
    berth_autofd int again = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    return (again >= 0 && dup3(again, fd, O_CLOEXEC) >= 0) ||
           berth_error_set_errno(error, errno, "open %s again", path ? path : link);
}

bool berth_trees_is_dev(const BerthPlanMount *mount) {
    return !mount->bind && g_str_equal(mount->destination, "/dev") &&
           g_strcmp0(mount->type, "tmpfs") == 0;
}

bool berth_trees_has(const BerthPlanMount *mount) {
    return (mount->bind && !mount->self) || mount->hosts_cgroups || berth_trees_is_dev(mount);
}

/* The map of a bind mount: one of its own, the owner of the source as the container's root, or the
 * container's. */
static int make_map(const BerthTrees *trees, const BerthPlanMount *mount, int source,
                    GError **error) {
    g_autoptr(GArray) uids = NULL, gids = NULL;
    struct stat status;

    if (mount->owner < 0 && mount->uid_ranges->len == 0) {
        int copy = trees->userns < 0 ? -1 : fcntl(trees->userns, F_DUPFD_CLOEXEC, 0);
        if (copy < 0)
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                            "mount %s: \"idmap\" needs a user namespace or mappings",
                            mount->destination);
        return copy;
    }
    if (mount->owner < 0)
        return berth_userns_new(mount->uid_ranges, mount->gid_ranges, error);
    uids = g_array_new(FALSE, FALSE, sizeof(BerthPlanRange));
    gids = g_array_new(FALSE, FALSE, sizeof(BerthPlanRange));
    BerthPlanRange uid = {(uint32_t)mount->owner, 0, 1}, gid = {0, 0, 1}, others;
    if (fstat(source, &status) < 0 || !berth_userns_map(trees->plan->uid_ranges, 0, &uid.outside) ||
        !berth_userns_map(trees->plan->gid_ranges, 0, &gid.outside)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "mount %s: there is no root to map to",
                        mount->destination);
        return -1;
    }
    gid.inside = berth_owner_group((uid_t)mount->owner, status.st_gid);
    g_array_append_val(uids, uid);
    g_array_append_val(gids, gid);
    /* Without any id the source would be read-only; the host's own is nobody's in there. */
    others = (BerthPlanRange){status.st_gid, status.st_gid, 1};
    if (gid.inside != status.st_gid)
        g_array_append_val(gids, others);
    return berth_userns_new(uids, gids, error);
}

static bool apply_map(const BerthTrees *trees, const BerthPlanMount *mount, int source, int tree,
                      GError **error) {
    if (mount->idmap == BERTH_IDMAP_NONE || (mount->owner >= 0 && trees->userns < 0))
        return true;
    berth_autofd int map = make_map(trees, mount, source, error);
    if (map < 0)
        return false;
    if (set_attributes(tree, 0, 0, 0, map, mount->idmap == BERTH_IDMAP_RECURSIVE, mount->source,
                       NULL))
        return true;
    /* Not every file system can; the owner is a convenience that nobody asked for. */
    return mount->owner >= 0 ||
           berth_error_set_errno(error, errno, "map the ids of %s", mount->source);
}

static int make_bind(const BerthTrees *trees, const BerthPlanMount *mount, GError **error) {
    if (!berth_trees_enter_host(error))
        return -1;
    berth_autofd int source = open(mount->source, O_PATH | O_CLOEXEC);
    if (source < 0) {
        berth_error_set_errno(error, errno, "mount %s: open %s", mount->destination, mount->source);
        return -1;
    }
    if (mount->has_inode && !check_inode(source, mount->source, mount->device, mount->inode, error))
        return -1;
    berth_autofd int tree = clone_tree(source, mount->recursive, error);
    unsigned long propagation = mount->propagation ? mount->propagation : MS_PRIVATE | MS_REC;
    if (tree < 0 || !apply_map(trees, mount, source, tree, error) ||
        !set_attributes(tree, mount->set_below, mount->clear_below, 0, -1, true, mount->source,
                        error) ||
        !set_attributes(tree, mount->set, mount->clear, 0, -1, false, mount->source, error) ||
        !set_attributes(tree, 0, 0, propagation & ~(unsigned long)MS_REC, -1, propagation & MS_REC,
                        mount->source, error))
        return -1;
    return berth_fd_steal(&tree);
}

static bool add_device(int directory, const char *name, const BerthPlanDevice *device, uid_t uid,
                       gid_t gid, GError **error) {
    if (mknodat(directory, name, device->type | device->mode,
                makedev(device->major, device->minor)) < 0 ||
        fchownat(directory, name, uid, gid, 0) < 0 ||
        fchmodat(directory, name, device->mode & 07777, 0) < 0)
        return berth_error_set_errno(error, errno, "make %s", device->path);
    return true;
}

static bool map_owner(const BerthTrees *trees, const BerthPlanDevice *device, uint32_t *uid,
                      uint32_t *gid, GError **error) {
    *uid = device->uid;
    *gid = device->gid;
    return trees->userns < 0 ||
           (berth_userns_map(trees->plan->uid_ranges, device->uid, uid) &&
            berth_userns_map(trees->plan->gid_ranges, device->gid, gid)) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the owner of device %s is no id of the container", device->path);
}

/* The directory of /dev/a/b, which is made. Component by component, none of them a link: /dev has
 * one to what this process has open. */
static int make_parent(int dev, const char *name, uid_t uid, gid_t gid, GError **error) {
    berth_autofd int parent = fcntl(dev, F_DUPFD_CLOEXEC, 0);

    for (const char *slash; parent >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        g_autofree char *part = g_strndup(name, (gsize)(slash - name));
        if (part[0] == '\0')
            continue;
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
        berth_error_set_errno(error, errno, "make the directory of a device in /dev");
    return berth_fd_steal(&parent);
}

static bool add_asked(const BerthTrees *trees, int dev, uid_t root_uid, gid_t root_gid,
                      GError **error) {
    const BerthPlan *plan = trees->plan;

    for (guint i = 0; i < plan->devices->len; i++) {
        const BerthPlanDevice *device = plan->devices->pdata[i];
        uint32_t uid, gid;
        if (!g_str_has_prefix(device->path, "/dev/"))
            continue;
        const char *name = device->path + strlen("/dev/");
        if (!map_owner(trees, device, &uid, &gid, error))
            return false;
        berth_autofd int parent = make_parent(dev, name, root_uid, root_gid, error);
        if (parent < 0)
            return false;
        g_autofree char *base = g_path_get_basename(name);
        /* The default ones may be listed again, with other attributes. */
        if (unlinkat(parent, base, 0) < 0 && errno != ENOENT)
            return berth_error_set_errno(error, errno, "make %s", device->path);
        if (!add_device(parent, base, device, uid, gid, error))
            return false;
    }
    return true;
}

static bool fill_dev(const BerthTrees *trees, int tree, GError **error) {
    uint32_t uid = 0, gid = 0;

    if (trees->userns >= 0 && (!berth_userns_map(trees->plan->uid_ranges, 0, &uid) ||
                               !berth_userns_map(trees->plan->gid_ranges, 0, &gid)))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the user namespace has no root");
    if (fchownat(tree, "", uid, gid, AT_EMPTY_PATH) < 0)
        return berth_error_set_errno(error, errno, "make /dev");
    for (const BerthPlanDevice *device = berth_plan_default_devices; device->path; device++)
        if (!add_device(tree, device->path + strlen("/dev/"), device, uid, gid, error))
            return false;
    for (const BerthDeviceLink *link = berth_device_links; link->name; link++)
        if (symlinkat(link->target, tree, link->name) < 0 ||
            fchownat(tree, link->name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
            return berth_error_set_errno(error, errno, "make /dev/%s", link->name);
    return add_asked(trees, tree, uid, gid, error);
}

static int make_dev(const BerthTrees *trees, const BerthPlanMount *mount, GError **error) {
    berth_autofd int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    bool good = context >= 0 && syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source",
                                        mount->source ? mount->source : "tmpfs", 0) == 0;

    for (guint i = 0; good && i < mount->data->len; i++) {
        g_auto(GStrv) parts = g_strsplit(mount->data->pdata[i], "=", 2);
        good = syscall(SYS_fsconfig, context, parts[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
                       parts[0], parts[1], 0) == 0;
    }
    good = good && syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0;
    berth_autofd int tree =
        good ? (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                            (unsigned)(mount->set & ~(uint64_t)MOUNT_ATTR_RDONLY))
             : -1;
    if (tree < 0) {
        berth_error_set_errno(error, errno, "make /dev");
        return -1;
    }
    if (!fill_dev(trees, tree, error))
        return -1;
    return berth_fd_steal(&tree);
}

int berth_trees_make_mount(const BerthTrees *trees, const BerthPlanMount *mount, GError **error) {
    if (mount->hosts_cgroups)
        return berth_mounts_make(mount, error);
    return berth_trees_is_dev(mount) ? make_dev(trees, mount, error)
                                     : make_bind(trees, mount, error);
}

static int make_node(const BerthTrees *trees, const BerthPlanDevice *device, GError **error) {
    berth_autofd int run = open("/run", O_PATH | O_DIRECTORY | O_CLOEXEC);
    uint32_t uid, gid;

    if (run < 0) {
        berth_error_set_errno(error, errno, "make %s", device->path);
        return -1;
    }
    /* An owner that the container does not have shows as nobody there. */
    (void)map_owner(trees, device, &uid, &gid, NULL);
    if (!add_device(run, "node", device, uid, gid, error))
        return -1;
    int node = (int)syscall(SYS_open_tree, run, "node", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (node < 0)
        berth_error_set_errno(error, errno, "make %s", device->path);
    return node;
}

/* In a mount namespace for that alone, since only what is attached can be cloned: its /run is the
 * file system of the nodes, which their mounts keep. */
int berth_trees_make_device(const BerthTrees *trees, const BerthPlanDevice *device,
                            GError **error) {
    berth_autofd int before = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    berth_autofd int node = -1;

    if (before < 0 || unshare(CLONE_NEWNS) < 0) {
        berth_error_set_errno(error, errno, "make %s", device->path);
        return -1;
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("devices", "/run", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k") < 0)
        berth_error_set_errno(error, errno, "make %s", device->path);
    else
        node = make_node(trees, device, error);
    if (setns(before, CLONE_NEWNS) == 0)
        return berth_fd_steal(&node);
    if (node >= 0)
        berth_error_set_errno(error, errno, "leave the namespace of the devices");
    return -1;
}
