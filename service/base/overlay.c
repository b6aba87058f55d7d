/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/overlay.h"

#include "base/fd.h"

#include <errno.h>
#include <linux/mount.h>
#include <sys/syscall.h>

static int clone_read_only(int layer, GError **error) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    berth_autofd int tree =
        syscall(SYS_open_tree, layer, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 ||
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) {
        berth_error_set_errno(error, errno, "clone the mount of a layer");
        return -1;
    }
    return berth_fd_steal(&tree);
}

/* Linux 6.13 takes descriptors. */
static bool set_by_descriptors(int context, const int *layers, unsigned count, int upper,
                               int work) {
    for (unsigned i = 0; i < count; i++)
        if (syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, "lowerdir+", NULL, layers[i]) < 0)
            return false;
    return upper < 0 ||
           (syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, "upperdir", NULL, upper) == 0 &&
            syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, "workdir", NULL, work) == 0);
}

/* Earlier ones take paths of at most 256 bytes in all. */
static bool set_by_numbers(int context, const int *layers, unsigned count, int upper, int work) {
    g_autoptr(GString) lower = g_string_new(NULL);
    g_autofree char *upper_name = g_strdup_printf("%d", upper);
    g_autofree char *work_name = g_strdup_printf("%d", work);

    for (unsigned i = 0; i < count; i++)
        g_string_append_printf(lower, "%s%d", i > 0 ? ":" : "", layers[i]);
    return syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "lowerdir", lower->str, 0) == 0 &&
           (upper < 0 ||
            (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "upperdir", upper_name, 0) == 0 &&
             syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "workdir", work_name, 0) == 0));
}

static int make_mount(int context, GError **error) {
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
        berth_error_set_errno(error, errno, "make the overlay");
        return -1;
    }
    int mount = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0u);
    if (mount < 0)
        berth_error_set_errno(error, errno, "mount the overlay");
    return mount;
}

/* With numbers as paths, which mean descriptors within /proc/self/fd, and are short. Kernels differ
 * in when they look at them, so it is the working directory from the first to the last call. */
static int mount_by_numbers(const int *layers, unsigned count, int upper, int work,
                            GError **error) {
    berth_autofd int context = syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
    berth_autofd int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int mount = -1;

    if (context < 0 || before < 0 || chdir("/proc/self/fd") < 0) {
        berth_error_set_errno(error, errno, "open the overlay file system");
        return -1;
    }
    if (set_by_numbers(context, layers, count, upper, work))
        mount = make_mount(context, error);
    else
        berth_error_set_errno(error, errno, "give the overlay its %u layers", count);
    if (fchdir(before) < 0 && mount >= 0)
        berth_fd_clear(&mount);
    return mount;
}

int berth_overlay_mount(const int *layers, unsigned count, int upper, int work, GError **error) {
    if (upper < 0 && count == 1)
        return clone_read_only(layers[0], error);

    berth_autofd int context = syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
    if (context >= 0 && set_by_descriptors(context, layers, count, upper, work))
        return make_mount(context, error);
    return mount_by_numbers(layers, count, upper, work, error);
}
