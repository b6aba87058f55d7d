/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sandbox of a worker for a user's directory: the worker becomes root of a user namespace in
 * which the user and the user's group are the only ids. There is no state. The one thing to know:
 * the directory's file system may be served by a program of the user's that never answers, so
 * berthd waits for none of this.
 */

#include "base/fd.h"
#include "frame/sandbox-parts.h"

#include <errno.h>
#include <grp.h>
#include <linux/mount.h>
#include <sched.h>

/* Drops the supplementary groups. */
static bool owner_enter_user_namespace(uid_t uid, gid_t gid, GError **error) {
    berth_autofd int process = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_autofree char *uids = g_strdup_printf("0 %u 1\n", (unsigned)uid);
    g_autofree char *gids = g_strdup_printf("0 %u 1\n", (unsigned)gid);
    const BerthIdMaps maps = {.uids = uids, .gids = gids};

    if (process < 0)
        return berth_error_set_errno(error, errno, "open /proc/self");
    if (!berth_sandbox_enter_users(process, &maps, error))
        return false;
    return setgroups(0, NULL) == 0 ||
           berth_error_set_errno(error, errno, "become user %u", (unsigned)uid);
}

/* The directory becomes the root after the ids have changed: a file system may admit only its user,
 * not even root. Everything outside the directory is accessible to that user anyway, so chroot(2)
 * is sufficient. */
bool berth_sandbox_become_owner(int directory, uid_t uid, gid_t gid, GError **error) {
    berth_autofd int tree = berth_sandbox_clone_mount(directory, "", MOUNT_ATTR_NOEXEC);

    /* EINVAL: the directory is in another mount namespace, and is used without cloning its
     * mount. */
    if (tree < 0 && errno != EINVAL)
        return berth_error_set_errno(error, errno, "clone the mount of the directory");
    if (unshare(CLONE_NEWNS) < 0)
        return berth_error_set_errno(error, errno, "make a mount namespace");
    if (!owner_enter_user_namespace(uid, gid, error))
        return false;
    return (fchdir(tree < 0 ? directory : tree) == 0 && chroot(".") == 0) ||
           berth_error_set_errno(error, errno, "change to the directory");
}
