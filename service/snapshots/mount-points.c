/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The directory mount-points/ has a layer for containers with an /etc/hosts of the service and one
 * for the others, in which the image's file, or its absence, stays visible. It is made once, as
 * mount-points.new, and renamed; nothing changes it later, since it is part of running containers.
 * A file of the image with the same name hides a mount point, and so does a whiteout: the launcher
 * then makes another one in the writable layer.
 */

#include "snapshots/mount-points.h"

#include "bare/overlay.h"
#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define NEW_DIRECTORY "mount-points.new"

/* The list of layers has to fit into 256 bytes in kernels before Linux 6.13 (bare/overlay.c), so an
 * image with many layers is left its room. */
enum { MAX_LAYERS_BESIDE = 64 };

/* As the launcher makes those that are missing; the mode does not depend on the umask. */
static bool make_mount_point(int directory, const char *path, mode_t mode) {
    return (S_ISDIR(mode) ? mkdirat(directory, path, mode) : mknodat(directory, path, mode, 0)) ==
               0 &&
           fchmodat(directory, path, mode & 07777, 0) == 0;
}

static bool make_layer(int directory, const char *name, bool no_hosts, GError **error) {
    static const struct {
        const char *path;
        mode_t mode;
    } points[] = {
        {"", S_IFDIR | 0755},
        {"/dev", S_IFDIR | 0755},
        {"/proc", S_IFDIR | 0755},
        {"/sys", S_IFDIR | 0755},
        {"/etc", S_IFDIR | 0755},
        {"/etc/hostname", S_IFREG | 0644},
        {"/etc/resolv.conf", S_IFREG | 0644},
        {"/etc/hosts", S_IFREG | 0644},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(points); i++) {
        g_autofree char *path = g_strconcat(NEW_DIRECTORY "/", name, points[i].path, NULL);
        if (no_hosts && g_str_equal(points[i].path, "/etc/hosts"))
            continue;
        if (!make_mount_point(directory, path, points[i].mode))
            return berth_error_set_errno(error, errno, "make %s", path);
    }
    return true;
}

bool berth_mount_points_make(int directory, GError **error) {
    if (faccessat(directory, "mount-points", F_OK, 0) == 0)
        return true;
    /* A crash may have left it. */
    if (!berth_fd_remove_tree(directory, NEW_DIRECTORY, error))
        return false;
    if (mkdirat(directory, NEW_DIRECTORY, 0700) < 0)
        return berth_error_set_errno(error, errno, "make %s", NEW_DIRECTORY);
    if (!make_layer(directory, "all", false, error) ||
        !make_layer(directory, "no-hosts", true, error))
        return false;
    return renameat(directory, NEW_DIRECTORY, directory, "mount-points") == 0 ||
           berth_error_set_errno(error, errno, "rename %s", NEW_DIRECTORY);
}

const char *berth_mount_points_choose(unsigned layers, bool no_hosts) {
    if (layers > MAX_LAYERS_BESIDE)
        return NULL;
    return no_hosts ? BERTH_MOUNT_POINTS "no-hosts" : BERTH_MOUNT_POINTS "all";
}
