/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/mounts.h"

#include "base/fd.h"
#include "launch/copy-up.h"
#include "launch/trees.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

static bool is_temporary(const BerthPlanMount *mount) {
    return !mount->bind && g_str_equal(mount->type, "tmpfs");
}

bool berth_mounts_is_cgroup(const BerthPlanMount *mount) {
    return berth_plan_is_cgroup(mount) && !mount->hosts_cgroups;
}

/* What the kernel shows there must be what the name says: no link leads to or from it. */
static bool is_kernels(const char *path) {
    static const char *const trees[] = {"/proc", "/sys", "/dev"};

    for (size_t i = 0; i < G_N_ELEMENTS(trees); i++)
        if (g_str_has_prefix(path, trees[i]) &&
            (path[strlen(trees[i])] == '/' || path[strlen(trees[i])] == '\0'))
            return true;
    return false;
}

static int open_in(int directory, const char *path, int flags, uint64_t resolve) {
    const struct open_how how = {
        .flags = (uint64_t)flags | O_CLOEXEC,
        .resolve = resolve | RESOLVE_NO_MAGICLINKS,
    };

    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

enum { MAX_LINKS = 40 };

static bool make_path(int root, const char *path, uint64_t resolve, bool as_directory,
                      unsigned links);

/* A link to what is not there yet: that is made, as far as it is within the root. */
static bool make_behind_link(int root, int parent, const char *above, const char *name,
                             uint64_t resolve, bool as_directory, unsigned links) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(parent, name, target, sizeof target - 1);

    if (size < 0 || links == 0 || (resolve & RESOLVE_NO_SYMLINKS)) {
        errno = size < 0 ? EEXIST : ELOOP;
        return false;
    }
    target[size] = '\0';
    g_autofree char *path =
        target[0] == '/' ? g_strdup(target) : g_strconcat(above, "/", target, NULL);
    return make_path(root, path, resolve, as_directory, links - 1);
}

/* Makes what is missing of the path, one component after the other; as_directory says what the last
 * is to be. */
static bool make_path(int root, const char *path, uint64_t resolve, bool as_directory,
                      unsigned links) {
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    g_autoptr(GString) above = g_string_new(".");

    for (char **part = parts; *part; part++) {
        if ((*part)[0] == '\0' || g_str_equal(*part, "."))
            continue;
        bool last = true;
        for (char **rest = part + 1; *rest; rest++)
            last = last && (*rest)[0] == '\0';
        berth_autofd int parent = open_in(root, above->str, O_PATH | O_DIRECTORY, resolve);
        g_autofree char *before = g_strdup(above->str);
        g_string_append_printf(above, "/%s", *part);
        berth_autofd int there = parent < 0 ? -1 : open_in(root, above->str, O_PATH, resolve);
        if (parent < 0 || (there < 0 && errno != ENOENT))
            return false;
        if (there >= 0 || g_str_equal(*part, ".."))
            continue;
        bool directory = !last || as_directory;
        berth_autofd int made = -1;
        if (directory
                ? mkdirat(parent, *part, 0755) == 0
                : (made = openat(parent, *part,
                                 O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644)) >= 0)
            continue;
        if (errno != EEXIST ||
            !make_behind_link(root, parent, before, *part, resolve, directory, links))
            return false;
    }
    return true;
}

/* Where something is to be mounted. A link of the image is followed within its root, but not into
 * what the kernel shows there, and never where /proc, /sys or /dev themselves belong. */
static int open_target(int root, const char *path, bool as_directory, GError **error) {
    uint64_t resolve = RESOLVE_IN_ROOT | (is_kernels(path) ? RESOLVE_NO_SYMLINKS : 0);
    struct statfs status;

    if (!make_path(root, path, resolve, as_directory, MAX_LINKS)) {
        berth_error_set_errno(error, errno, "make the mount point %s in the image", path);
        return -1;
    }
    berth_autofd int target =
        open_in(root, path, O_PATH | (as_directory ? O_DIRECTORY : 0), resolve);
    if (target < 0) {
        berth_error_set_errno(error, errno, "open the mount point %s in the image", path);
        return -1;
    }
    if (!is_kernels(path) && fstatfs(target, &status) == 0 &&
        (status.f_type == PROC_SUPER_MAGIC || status.f_type == SYSFS_MAGIC)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "the mount point %s leads into /proc or /sys by a link of the image", path);
        return -1;
    }
    return berth_fd_steal(&target);
}

static int set_data(int context, const char *option) {
    g_auto(GStrv) parts = g_strsplit(option, "=", 2);

    return (int)syscall(SYS_fsconfig, context, parts[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
                        parts[0], parts[1], 0);
}

int berth_mounts_make(const BerthPlanMount *mount, GError **error) {
    const char *type = berth_plan_is_cgroup(mount) ? "cgroup2" : mount->type;
    berth_autofd int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);

    if (context < 0) {
        berth_error_set_errno(error, errno, "mount %s: open %s", mount->destination, type);
        return -1;
    }
    uint64_t attributes = mount->set | mount->set_below;
    if (is_temporary(mount))
        attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
    if (mount->source)
        (void)syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", mount->source, 0);
    for (guint i = 0; i < mount->data->len; i++)
        if (set_data(context, mount->data->pdata[i]) < 0) {
            berth_error_set_errno(error, errno, "mount %s: option %s", mount->destination,
                                  (const char *)mount->data->pdata[i]);
            return -1;
        }
    int tree = -1;
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        tree = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, (unsigned)attributes);
    if (tree < 0)
        berth_error_set_errno(error, errno, "mount %s: %s", mount->destination, type);
    return tree;
}

static bool move_onto(int tree, int target, const char *path, GError **error) {
    return syscall(SYS_move_mount, tree, "", target, "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0 ||
           berth_error_set_errno(error, errno, "mount %s", path);
}

static bool set_propagation(const BerthPlanMount *mount, int tree, GError **error) {
    struct mount_attr attributes = {.propagation = mount->propagation & ~(unsigned long)MS_REC};
    unsigned flags = AT_EMPTY_PATH | (mount->propagation & MS_REC ? AT_RECURSIVE : 0u);

    return mount->propagation == 0 || mount->bind ||
           syscall(SYS_mount_setattr, tree, "", flags, &attributes, sizeof attributes) == 0 ||
           berth_error_set_errno(error, errno, "mount %s: propagation", mount->destination);
}

static bool fill(const BerthPlanMount *mount, int target, int tree, GError **error) {
    bool has_mode = false;

    if (!mount->copies_up)
        return true;
    for (guint i = 0; i < mount->data->len; i++)
        has_mode = has_mode || g_str_has_prefix(mount->data->pdata[i], "mode=");
    berth_autofd int source = openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int directory = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source < 0 || directory < 0)
        return berth_error_set_errno(error, errno, "open %s of the image", mount->destination);
    return berth_copy_up(source, directory, has_mode, error);
}

bool berth_mounts_close(const BerthPlanMount *mount, int tree, GError **error) {
    struct mount_attr attributes = {.attr_set =
                                        (mount->set | mount->set_below) & MOUNT_ATTR_RDONLY};

    return !is_temporary(mount) || attributes.attr_set == 0 ||
           syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) ==
               0 ||
           berth_error_set_errno(error, errno, "make %s read-only", mount->destination);
}

bool berth_mounts_attach(int root, const BerthPlanMount *mount, int tree, GError **error) {
    struct stat status;

    if (fstat(tree, &status) < 0)
        return berth_error_set_errno(error, errno, "mount %s", mount->destination);
    berth_autofd int target = open_target(root, mount->destination, S_ISDIR(status.st_mode), error);
    return target >= 0 && fill(mount, target, tree, error) &&
           move_onto(tree, target, mount->destination, error) &&
           set_propagation(mount, tree, error);
}

bool berth_mounts_split(int root, const BerthPlanMount *mount, GError **error) {
    berth_autofd int target = open_target(root, mount->destination, true, error);
    berth_autofd int tree = -1;

    if (target < 0)
        return false;
    tree = (int)syscall(SYS_open_tree, target, "",
                        AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        return berth_error_set_errno(error, errno, "mount %s", mount->destination);
    return move_onto(tree, target, mount->destination, error);
}

bool berth_mounts_add_device(int root, const BerthPlanDevice *device, int node, GError **error) {
    if (node >= 0) {
        berth_autofd int target = open_target(root, device->path, false, error);
        return target >= 0 && move_onto(node, target, device->path, error);
    }
    g_autofree char *parent = g_path_get_dirname(device->path);
    g_autofree char *name = g_path_get_basename(device->path);
    berth_autofd int directory = open_target(root, parent, true, error);
    if (directory < 0)
        return false;
    if (mknodat(directory, name, device->type | device->mode,
                makedev(device->major, device->minor)) < 0)
        return errno == EEXIST || berth_error_set_errno(error, errno, "make %s", device->path);
    if (fchownat(directory, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchmodat(directory, name, device->mode, 0) < 0)
        return berth_error_set_errno(error, errno, "make %s", device->path);
    return true;
}

bool berth_mounts_add_device_links(int root, GError **error) {
    berth_autofd int dev = open_target(root, "/dev", true, error);

    if (dev < 0)
        return false;
    for (const BerthDeviceLink *link = berth_device_links; link->name; link++)
        if (symlinkat(link->target, dev, link->name) < 0 && errno != EEXIST)
            return berth_error_set_errno(error, errno, "make /dev/%s", link->name);
    return true;
}

bool berth_mounts_make_point(int root, const char *path, bool as_directory, GError **error) {
    berth_autofd int target = open_target(root, path, as_directory, error);

    return target >= 0;
}

bool berth_mounts_make_console(int root, GError **error) {
    berth_autofd int target = open_target(root, "/dev/console", false, error);

    return target >= 0;
}

bool berth_mounts_cover(const char *path, int tree, GError **error) {
    return syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == 0 ||
           berth_error_set_errno(error, errno, "mount %s", path);
}

/* A read-only copy of a mount, attached to path. */
static bool attach_clone(int source, const char *path, GError **error) {
    struct mount_attr attribute = {.attr_set = MOUNT_ATTR_RDONLY};
    berth_autofd int tree = (int)syscall(SYS_open_tree, source, "",
                                         AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    return (tree >= 0 &&
            syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attribute, sizeof attribute) ==
                0 &&
            syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == 0) ||
           berth_error_set_errno(error, errno, "mask %s", path);
}

/* An empty file system, attached nowhere yet. */
static int make_empty(GError **error) {
    berth_autofd int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    int tree = -1;

    if (context >= 0 &&
        syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", "tmpfs", 0) == 0 &&
        syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0755", 0) == 0 &&
        syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        tree = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                            MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                MOUNT_ATTR_NOEXEC);
    if (tree < 0)
        berth_error_set_errno(error, errno, "make an empty file system");
    return tree;
}

/* What masks files must be what its name says: a link of the image, or of who shares its /dev,
 * would show something else there. */
static int open_null(GError **error) {
    berth_autofd int null = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    if (null >= 0 && fstat(null, &status) == 0 && S_ISCHR(status.st_mode) &&
        status.st_rdev == makedev(1, 3))
        return berth_fd_steal(&null);
    berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                    "/dev/null of the container is none, and cannot mask files");
    return -1;
}

/* A file is hidden by /dev/null, a directory by an empty file system, of which one serves all. */
static bool mask_paths(char *const *paths, GError **error) {
    berth_autofd int null = paths[0] ? open_null(error) : -1;
    berth_autofd int empty = -1, tree = -1;
    struct stat status;

    if (paths[0] && null < 0)
        return false;
    for (; *paths; paths++) {
        if (lstat(*paths, &status) < 0)
            continue;
        if (!S_ISDIR(status.st_mode)) {
            if (!attach_clone(null, *paths, error))
                return false;
            continue;
        }
        if (empty < 0) {
            /* Only what is attached can be cloned: the first copy is the source of the others. */
            if ((tree = make_empty(error)) < 0 || !berth_mounts_cover(*paths, tree, error))
                return false;
            empty = berth_fd_steal(&tree);
            continue;
        }
        if (!attach_clone(empty, *paths, error))
            return false;
    }
    return true;
}

static bool make_read_only(const char *path, GError **error) {
    struct mount_attr attribute = {.attr_set = MOUNT_ATTR_RDONLY};

    if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
        return errno == ENOENT || berth_error_set_errno(error, errno, "make %s read-only", path);
    return syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attribute, sizeof attribute) ==
               0 ||
           berth_error_set_errno(error, errno, "make %s read-only", path);
}

bool berth_mounts_restrict(const BerthPlan *plan, GError **error) {
    struct mount_attr attribute = {.attr_set = MOUNT_ATTR_RDONLY};

    if (!mask_paths(plan->masked_paths, error))
        return false;
    for (char **path = plan->read_only_paths; *path; path++)
        if (!make_read_only(*path, error))
            return false;
    if (plan->read_only &&
        syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attribute, sizeof attribute) < 0)
        return berth_error_set_errno(error, errno, "make the root read-only");
    if (plan->root_propagation && mount(NULL, "/", NULL, plan->root_propagation, NULL) < 0)
        return berth_error_set_errno(error, errno, "set the propagation of the root");
    return true;
}
