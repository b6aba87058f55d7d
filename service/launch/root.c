/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/root.h"

#include "base/fd.h"
#include "base/overlay.h"
#include "base/pivot.h"

#include <errno.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static const struct {
    const char *name;
    uint64_t attribute;
} attributes[] = {
    {"ro", MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC},
    {"noatime", MOUNT_ATTR_NOATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME},
    {"relatime", MOUNT_ATTR_RELATIME},
    {"rw", 0},
    {"suid", 0},
    {"dev", 0},
    {"exec", 0},
};

static const struct {
    const char *name;
    unsigned minor;
} devices[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};

static const struct {
    const char *target, *name;
} device_links[] = {
    {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
    {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},
};

/* A directory of the container's root: no symbolic link on the way to where something is mounted,
 * so that an image cannot say where that is. */
static int open_target(int root, const char *path, GError **error) {
    const struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
    };
    g_auto(GStrv) components = g_strsplit(path, "/", -1);
    berth_autofd int current = fcntl(root, F_DUPFD_CLOEXEC, 0);

    for (char **component = components; *component; component++) {
        if ((*component)[0] == '\0')
            continue;
        int next = syscall(SYS_openat2, current, *component, &how, sizeof how);
        if (next < 0 && errno == ENOENT && mkdirat(current, *component, 0755) == 0)
            next = syscall(SYS_openat2, current, *component, &how, sizeof how);
        if (next < 0) {
            berth_error_set_errno(error, errno, "open mount point %s in the image", path);
            return -1;
        }
        berth_fd_clear(&current);
        current = next;
    }
    return berth_fd_steal(&current);
}

/* An option of a mount is an attribute of it, or a parameter of the file system. */
static bool set_option(int context, const char *option, uint64_t *attribute_bits) {
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
        if (g_str_equal(attributes[i].name, option)) {
            *attribute_bits |= attributes[i].attribute;
            return true;
        }
    const char *equals = strchr(option, '=');
    g_autofree char *key = equals ? g_strndup(option, (gsize)(equals - option)) : NULL;
    return equals ? syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, equals + 1, 0) == 0
                  : syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, option, NULL, 0) == 0;
}

static bool mount_one(int root, const BerthPlanMount *mount, const char *type, GError **error) {
    uint64_t attribute_bits = 0;
    berth_autofd int context = syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);

    if (context < 0)
        return berth_error_set_errno(error, errno, "mount %s: open %s", mount->destination, type);
    (void)syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", mount->source, 0);
    for (char **option = mount->options; *option; option++)
        if (!set_option(context, *option, &attribute_bits))
            return berth_error_set_errno(error, errno, "mount %s: option %s", mount->destination,
                                         *option);
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return berth_error_set_errno(error, errno, "mount %s: %s", mount->destination, type);
    berth_autofd int tree =
        syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, (unsigned)attribute_bits);
    berth_autofd int target = tree < 0 ? -1 : open_target(root, mount->destination, error);
    if (tree >= 0 && target < 0)
        return false;
    if (tree < 0 || syscall(SYS_move_mount, tree, "", target, "",
                            MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return berth_error_set_errno(error, errno, "mount %s", mount->destination);
    return true;
}

static bool make_devices(int root, GError **error) {
    berth_autofd int dev = open_target(root, "/dev", error);

    if (dev < 0)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(devices); i++)
        if (mknodat(dev, devices[i].name, S_IFCHR | 0666, makedev(1, devices[i].minor)) < 0 ||
            fchmodat(dev, devices[i].name, 0666, 0) < 0)
            return berth_error_set_errno(error, errno, "make /dev/%s", devices[i].name);
    if (mknodat(dev, "tty", S_IFCHR | 0666, makedev(5, 0)) < 0 || fchmodat(dev, "tty", 0666, 0) < 0)
        return berth_error_set_errno(error, errno, "make /dev/tty");
    for (size_t i = 0; i < G_N_ELEMENTS(device_links); i++)
        if (symlinkat(device_links[i].target, dev, device_links[i].name) < 0)
            return berth_error_set_errno(error, errno, "make /dev/%s", device_links[i].name);
    return true;
}

int berth_root_make(const BerthPlan *plan, int directory, int snapshots, GError **error) {
    g_autoptr(GArray) layers = g_array_new(FALSE, FALSE, sizeof(int));
    berth_autofd int upper = openat(directory, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int work = openat(directory, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (upper < 0 || work < 0) {
        berth_error_set_errno(error, errno, "open the container's writable layer");
        return -1;
    }
    for (char **name = plan->layers; *name; name++) {
        int layer = openat(snapshots, *name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (layer < 0) {
            berth_error_set_errno(error, errno, "open layer %s", *name);
            return -1;
        }
        g_array_append_val(layers, layer);
    }
    int mount = berth_overlay_mount((const int *)layers->data, layers->len, upper, work, error);
    for (guint i = 0; i < layers->len; i++)
        close(g_array_index(layers, int, i));
    return mount;
}

static bool mount_all(const BerthPlan *plan, int root, GError **error) {
    for (guint i = 0; i < plan->mounts->len; i++) {
        const BerthPlanMount *mount = plan->mounts->pdata[i];
        if (g_str_equal(mount->type, "cgroup"))
            continue;
        if (!mount_one(root, mount, mount->type, error))
            return false;
        if (g_str_equal(mount->destination, "/dev") && !make_devices(root, error))
            return false;
    }
    return true;
}

bool berth_root_enter(const BerthPlan *plan, int overlay, GError **error) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return berth_error_set_errno(error, errno, "make the mounts private");
    if (!berth_pivot(overlay, error))
        return false;
    berth_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return mount_all(plan, root, error);
}

bool berth_root_mount_cgroup(const BerthPlan *plan, GError **error) {
    berth_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    for (guint i = 0; i < plan->mounts->len; i++) {
        const BerthPlanMount *mount = plan->mounts->pdata[i];
        if (g_str_equal(mount->type, "cgroup") && !mount_one(root, mount, "cgroup2", error))
            return false;
    }
    return true;
}

/* A copy of a mount, attached to path; what is not there needs none. */
static bool attach_clone(int source, const char *path, GError **error) {
    berth_autofd int tree =
        syscall(SYS_open_tree, source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 || syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return berth_error_set_errno(error, errno, "mask %s", path);
    return true;
}

/* An empty file system, attached nowhere yet. */
static int make_empty(GError **error) {
    berth_autofd int context = syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    int tree = -1;

    if (context >= 0 &&
        syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0755", 0) == 0 &&
        syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        tree =
            syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (tree < 0)
        berth_error_set_errno(error, errno, "make an empty file system");
    return tree;
}

/* A file is hidden by /dev/null, a directory by an empty file system, of which one serves all. */
static bool mask_paths(char *const *paths, GError **error) {
    berth_autofd int null = open("/dev/null", O_PATH | O_CLOEXEC);
    berth_autofd int empty = -1, tree = -1;
    struct stat status;

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
            if ((tree = make_empty(error)) < 0)
                return false;
            if (syscall(SYS_move_mount, tree, "", AT_FDCWD, *paths, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return berth_error_set_errno(error, errno, "mask %s", *paths);
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
    if (syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attribute, sizeof attribute) < 0)
        return berth_error_set_errno(error, errno, "make %s read-only", path);
    return true;
}

bool berth_root_restrict(const BerthPlan *plan, GError **error) {
    struct mount_attr attribute = {.attr_set = MOUNT_ATTR_RDONLY};

    if (!mask_paths(plan->masked_paths, error))
        return false;
    for (char **path = plan->read_only_paths; *path; path++)
        if (!make_read_only(*path, error))
            return false;
    if (plan->read_only &&
        syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attribute, sizeof attribute) < 0)
        return berth_error_set_errno(error, errno, "make the root read-only");
    return true;
}
