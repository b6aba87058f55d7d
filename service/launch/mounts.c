/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mount points are looked up with descriptors below the container's root, component by component if
 * they have to be created (openat2(2)). A link in the image may lead to another place in that root,
 * but never into the kernel's file systems. The one thing to know: nothing here is reached through
 * a path that the image could change between a check and its use. There is no state here; the
 * caller owns the trees.
 */

#include "launch/mounts.h"

#include "bare/fd.h"
#include "launch/copy-up.h"
#include "launch/device-links.h"
#include "launch/entries.h"
#include "launch/text.h"
#include "launch/volume-fill.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

static bool is_temporary(const BerthMount *mount) {
    return !berth_mount_is_bind(mount->kind) && berth_text_is(mount->type, "tmpfs");
}

bool berth_mounts_is_cgroup(const BerthMount *mount) {
    return berth_setup_is_cgroup(mount) && mount->kind != BERTH_MOUNT_OF_HOST;
}

/* Below these, the container must find the kernel's own files. A destination in them is resolved
 * without any symbolic links. */
static bool is_kernels(const char *path) {
    static const char *const trees[] = {"/proc", "/sys", "/dev"};

    for (size_t i = 0; i < BERTH_COUNT(trees); i++)
        if (berth_text_begins(path, trees[i]) &&
            (path[strlen(trees[i])] == '/' || path[strlen(trees[i])] == '\0'))
            return true;
    return false;
}

/* RESOLVE_IN_ROOT includes that no magic link of /proc is followed (openat2(2)). */
static uint64_t choose_resolve(const char *path) {
    return RESOLVE_IN_ROOT | (is_kernels(path) ? RESOLVE_NO_SYMLINKS : 0);
}

static int open_in(int directory, const char *path, int flags, uint64_t resolve) {
    return berth_fd_open_resolving(directory, path, flags, 0, resolve);
}

/* The kernel follows the same number of links (path_resolution(7)). A walk has room for a path and
 * for the target of a link in it. */
enum { MAX_LINKS = 40, MAX_WALK = 2 * PATH_MAX };

static bool make_path(int root, const char *path, uint64_t resolve, bool as_directory,
                      unsigned links);

/* Handles a link in the image whose target does not exist: the target is created, as far as it is
 * within the root. Reached after EEXIST for a name that cannot be opened. */
static bool make_behind_link(int root, int parent, const char *above, const char *name,
                             uint64_t resolve, bool as_directory, unsigned links) {
    char target[PATH_MAX], path[MAX_WALK];
    ssize_t size = readlinkat(parent, name, target, sizeof target - 1);

    if (size < 0 || links == 0 || (resolve & RESOLVE_NO_SYMLINKS)) {
        errno = size < 0 ? EEXIST : ELOOP;
        return false;
    }
    target[size] = '\0';
    int length = target[0] == '/' ? snprintf(path, sizeof path, "%s", target)
                                  : snprintf(path, sizeof path, "%s/%s", above, target);
    if (length >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return false;
    }
    return make_path(root, path, resolve, as_directory, links - 1);
}

/* Creates one component if it is missing; above is the path to it. */
static bool make_component(int root, const char *above, const char *path, const char *name,
                           uint64_t resolve, bool as_directory, unsigned links) {
    berth_autofd int there = open_in(root, path, O_PATH, resolve);

    if (there >= 0 || errno != ENOENT)
        return there >= 0;
    berth_autofd int parent = open_in(root, above, O_PATH | O_DIRECTORY, resolve);
    if (parent < 0)
        return false;
    if (berth_text_is(name, ".."))
        return true;
    if (berth_entry_make(parent, name, as_directory))
        return true;
    return errno == EEXIST &&
           make_behind_link(root, parent, above, name, resolve, as_directory, links);
}

/* Creates the missing components of a path. as_directory says whether the last one must be a
 * directory. */
static bool make_path(int root, const char *path, uint64_t resolve, bool as_directory,
                      unsigned links) {
    char above[MAX_WALK] = ".", here[MAX_WALK] = ".", name[NAME_MAX + 1];
    size_t length = 1;

    for (const char *part = path + strspn(path, "/"), *next; *part; part = next) {
        size_t size = strcspn(part, "/");
        next = part + size + strspn(part + size, "/");
        if (size == 1 && part[0] == '.')
            continue;
        if (size > NAME_MAX || length + 1 + size >= sizeof here) {
            errno = ENAMETOOLONG;
            return false;
        }
        snprintf(name, sizeof name, "%.*s", (int)size, part);
        snprintf(here + length, sizeof here - length, "/%s", name);
        length += 1 + size;
        if (!make_component(root, above, here, name, resolve, *next || as_directory, links))
            return false;
        strcpy(above, here);
    }
    return true;
}

/* Whether a path is another way to write "/". */
static bool is_root(const char *path) {
    while (path[0] == '/' || (path[0] == '.' && (path[1] == '/' || path[1] == '\0')))
        path++;
    return path[0] == '\0';
}

static bool is_same_file(int one, int other) {
    struct stat a, b;

    return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* Opens a mount point, creating it if it is missing. A link in the image is followed within its
 * root, but not into proc or sysfs, nor on the way to /proc, /sys or /dev themselves. */
static int open_target(int root, const char *path, bool as_directory, BerthFault *fault) {
    uint64_t resolve = choose_resolve(path);
    int flags = O_PATH | (as_directory ? O_DIRECTORY : 0);
    struct statfs status;
    /* Most are there, and need no walk. */
    berth_autofd int target = open_in(root, path, flags, resolve);

    if (target < 0 && !make_path(root, path, resolve, as_directory, MAX_LINKS)) {
        berth_fault_set_errno(fault, errno, "make the mount point %s in the image", path);
        return -1;
    }
    if (target < 0)
        target = open_in(root, path, flags, resolve);
    if (target < 0) {
        berth_fault_set_errno(fault, errno, "open the mount point %s in the image", path);
        return -1;
    }
    if (!is_kernels(path) && fstatfs(target, &status) == 0 &&
        (status.f_type == PROC_SUPER_MAGIC || status.f_type == SYSFS_MAGIC)) {
        berth_fault_set(fault, "the mount point %s leads into /proc or /sys by a link of the image",
                        path);
        return -1;
    }
    /* Processes that join the container later would be in that mount
     * (berth_plan_path_is_below_root).
     */
    if (!is_root(path) && is_same_file(target, root)) {
        berth_fault_set(fault, "the mount point %s leads to the root by a link of the image", path);
        return -1;
    }
    return berth_fd_steal(&target);
}

static int set_data(int context, const BerthPair *option) {
    return (int)syscall(SYS_fsconfig, context,
                        option->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option->name,
                        option->value, 0);
}

int berth_mounts_make(const BerthMount *mount, BerthFault *fault) {
    const char *type = berth_setup_is_cgroup(mount) ? "cgroup2" : mount->type;
    berth_autofd int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);

    if (context < 0) {
        berth_fault_set_errno(fault, errno, "mount %s: open %s", mount->destination, type);
        return -1;
    }
    /* A tmpfs stays writable until everything that belongs in it exists (berth_mounts_close). */
    uint64_t attributes = mount->set | mount->set_below;
    if (is_temporary(mount))
        attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
    if (mount->source)
        (void)syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", mount->source, 0);
    for (uint32_t i = 0; i < mount->data.count; i++) {
        const BerthPair *option = &mount->data.pairs[i];
        if (set_data(context, option) < 0) {
            berth_fault_set_errno(fault, errno, "mount %s: option %s%s%s", mount->destination,
                                  option->name, option->value ? "=" : "",
                                  option->value ? option->value : "");
            return -1;
        }
    }
    int tree = -1;
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        tree = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, (unsigned)attributes);
    if (tree < 0)
        berth_fault_set_errno(fault, errno, "mount %s: %s", mount->destination, type);
    return tree;
}

static bool move_onto(int tree, int target, const char *path, BerthFault *fault) {
    return syscall(SYS_move_mount, tree, "", target, "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0 ||
           berth_fault_set_errno(fault, errno, "mount %s", path);
}

/* For a bind mount, the outer process has already set it (bind-tree.c). */
static bool set_propagation(const BerthMount *mount, int tree, BerthFault *fault) {
    struct mount_attr attributes = {.propagation = mount->propagation & ~(unsigned long)MS_REC};
    unsigned flags = AT_EMPTY_PATH | (mount->propagation & MS_REC ? AT_RECURSIVE : 0u);

    return mount->propagation == 0 || berth_mount_is_bind(mount->kind) ||
           syscall(SYS_mount_setattr, tree, "", flags, &attributes, sizeof attributes) == 0 ||
           berth_fault_set_errno(fault, errno, "mount %s: propagation", mount->destination);
}

static bool is_read_only(const BerthMount *mount) {
    return ((mount->set | mount->set_below) & MOUNT_ATTR_RDONLY) != 0;
}

/* Copies the image's directory into the tmpfs ("tmpcopyup") or the new volume that will cover it. A
 * "mode" in the configuration takes precedence over that of the directory. */
static bool fill_from_image(const BerthMount *mount, int target, int tree, BerthFault *fault) {
    struct stat status;
    bool has_mode = false;

    /* Only a directory can be filled. */
    if (mount->copies_up == BERTH_COPY_UP_NO || fstat(tree, &status) < 0 ||
        !S_ISDIR(status.st_mode))
        return true;
    for (uint32_t i = 0; i < mount->data.count; i++)
        has_mode = has_mode || berth_text_is(mount->data.pairs[i].name, "mode");
    berth_autofd int source = openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int directory = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source < 0 || directory < 0)
        return berth_fault_set_errno(fault, errno, "open %s of the image", mount->destination);
    if (mount->copies_up == BERTH_COPY_UP_ALWAYS)
        return berth_copy_up(source, directory, has_mode, fault);
    /* A read-only volume is left as it is. */
    return is_read_only(mount) || berth_volume_fill(source, directory, fault);
}

bool berth_mounts_close(const BerthMount *mount, int tree, BerthFault *fault) {
    struct mount_attr attributes = {.attr_set =
                                        (mount->set | mount->set_below) & MOUNT_ATTR_RDONLY};

    return !is_temporary(mount) || attributes.attr_set == 0 ||
           syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) ==
               0 ||
           berth_fault_set_errno(fault, errno, "make %s read-only", mount->destination);
}

/* A file with a name of its own is mounted below a destination that is a directory, and otherwise
 * in its place. path: PATH_MAX bytes. */
static bool place_file(int root, const BerthMount *mount, char *path, BerthFault *fault) {
    berth_autofd int directory =
        mount->file_name ? open_in(root, mount->destination, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT)
                         : -1;
    int length = directory >= 0
                     ? snprintf(path, PATH_MAX, "%s/%s", mount->destination, mount->file_name)
                     : snprintf(path, PATH_MAX, "%s", mount->destination);

    return length < PATH_MAX ||
           berth_fault_set_errno(fault, ENAMETOOLONG, "mount %s", mount->destination);
}

bool berth_mounts_attach(int root, const BerthMount *mount, int tree, BerthFault *fault) {
    struct stat status;

    if (fstat(tree, &status) < 0)
        return berth_fault_set_errno(fault, errno, "mount %s", mount->destination);
    char path[PATH_MAX];
    if (!place_file(root, mount, path, fault))
        return false;
    berth_autofd int target = open_target(root, path, S_ISDIR(status.st_mode), fault);
    return target >= 0 && fill_from_image(mount, target, tree, fault) &&
           move_onto(tree, target, mount->destination, fault) &&
           set_propagation(mount, tree, fault);
}

/* The options can only restrict what the root allows. */
bool berth_mounts_split(int root, const BerthMount *mount, BerthFault *fault) {
    struct mount_attr attributes = {
        .attr_set = mount->set | mount->set_below,
        /* Access time settings replace each other (mount_setattr(2)). */
        .attr_clr = (mount->clear | mount->clear_below) & MOUNT_ATTR__ATIME,
    };
    berth_autofd int target = open_target(root, mount->destination, true, fault);
    berth_autofd int tree = -1;

    if (target < 0)
        return false;
    tree = (int)syscall(SYS_open_tree, target, "",
                        AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    /* With nothing to set or to clear, this is not an error either. MOUNT_ATTR_RELATIME is zero, so
     * attr_set alone does not say whether there is anything to do. */
    if (tree < 0 ||
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
        return berth_fault_set_errno(fault, errno, "mount %s", mount->destination);
    return move_onto(tree, target, mount->destination, fault);
}

bool berth_mounts_add_device(int root, const BerthDevice *device, int node, BerthFault *fault) {
    if (node >= 0) {
        berth_autofd int target = open_target(root, device->path, false, fault);
        return target >= 0 && move_onto(node, target, device->path, fault);
    }
    char parent[PATH_MAX];
    const char *name = strrchr(device->path, '/') + 1;
    /* Includes the slash, because the parent of /null is the root. */
    if ((size_t)snprintf(parent, sizeof parent, "%.*s", (int)(name - device->path), device->path) >=
        sizeof parent)
        return berth_fault_set_errno(fault, ENAMETOOLONG, "make %s", device->path);
    berth_autofd int directory = open_target(root, parent, true, fault);
    if (directory < 0)
        return false;
    /* Anything that already exists is left as it is. The mode is set at creation, since there is no
     * umask yet (inside.c): chmod(2) would follow a link that another container with the same
     * volume puts there. */
    if (mknodat(directory, name, device->type | device->mode,
                makedev(device->major, device->minor)) < 0)
        return errno == EEXIST || berth_fault_set_errno(fault, errno, "make %s", device->path);
    return fchownat(directory, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) == 0 ||
           berth_fault_set_errno(fault, errno, "make %s", device->path);
}

bool berth_mounts_add_device_links(int root, BerthFault *fault) {
    berth_autofd int dev = open_target(root, "/dev", true, fault);

    if (dev < 0)
        return false;
    for (const BerthDeviceLink *link = berth_device_links; link->name; link++)
        if (symlinkat(link->target, dev, link->name) < 0 && errno != EEXIST)
            return berth_fault_set_errno(fault, errno, "make /dev/%s", link->name);
    return true;
}

int berth_mounts_make_directory(int root, const char *path) {
    uint64_t resolve = choose_resolve(path);

    return make_path(root, path, resolve, true, MAX_LINKS)
               ? open_in(root, path, O_PATH | O_DIRECTORY, resolve)
               : -1;
}

bool berth_mounts_make_point(int root, const char *path, bool as_directory, BerthFault *fault) {
    berth_autofd int target = open_target(root, path, as_directory, fault);

    return target >= 0;
}

bool berth_mounts_cover(const char *path, int tree, BerthFault *fault) {
    return syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == 0 ||
           berth_fault_set_errno(fault, errno, "mount %s", path);
}
