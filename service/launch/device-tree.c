/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Devices that Berth creates: a tmpfs as the container's /dev, or single nodes to attach if there
 * is no such tmpfs. The caller owns the trees. The one thing to know: no file of an image is ever
 * used as a device, since every mount that shows an image's files is nodev.
 */

#include "launch/device-tree.h"

#include "bare/fd.h"
#include "launch/device-links.h"
#include "launch/mounts.h"
#include "launch/text.h"
#include "launch/userns.h"

#include <errno.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* The mode is set last: mknod(2) applies the umask, and a change of owner clears set-user-ID
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

/* The file systems in which devices are created are not idmapped, so the owner of a device is
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

/* Opens the directory of /dev/a/b, creating it if it is missing. Components are opened one at a
 * time, and never through a link: /dev/fd leads to the descriptors of this process. */
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
        /* Default devices may be listed again, with other attributes. */
        if (unlinkat(parent, base, 0) < 0 && errno != ENOENT)
            return berth_fault_set_errno(fault, errno, "make %s", device->path);
        if (!add_device(parent, base, device, uid, gid, fault))
            return false;
    }
    return true;
}

static bool make_standard_devices(const BerthTrees *trees, int tree, BerthFault *fault) {
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

/* A tmpfs as /dev, with its devices and links. It stays writable until all mount points in it have
 * been created (berth_mounts_close). */
int berth_device_tree_make(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault) {
    BerthMount dev = *mount;

    if (!dev.source)
        dev.source = "tmpfs";
    berth_autofd int tree = berth_mounts_make(&dev, fault);
    return tree >= 0 && make_standard_devices(trees, tree, fault) ? berth_fd_steal(&tree) : -1;
}

static int make_device_node(const BerthTrees *trees, const BerthDevice *device, BerthFault *fault) {
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

/* Works in a temporary mount namespace, since only an attached mount can be cloned. A tmpfs at its
 * /run holds the nodes; their mounts keep it alive when the namespace is gone. */
int berth_device_tree_make_node(const BerthTrees *trees, const BerthDevice *device,
                                BerthFault *fault) {
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
        node = make_device_node(trees, device, fault);
    if (setns(before, CLONE_NEWNS) == 0)
        return berth_fd_steal(&node);
    if (node >= 0)
        berth_fault_set_errno(fault, errno, "leave the namespace of the devices");
    return -1;
}
