/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unpack/attributes.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

bool berth_attributes_copy_xattrs(int from, int to, const char *path, GError **error) {
    g_autofree char *names = g_malloc(XATTR_LIST_MAX), *value = g_malloc(XATTR_SIZE_MAX);
    ssize_t length = flistxattr(from, names, XATTR_LIST_MAX);

    for (char *name = names; length > 0 && name < names + length; name += strlen(name) + 1) {
        if (g_str_has_prefix(name, "trusted.overlay."))
            continue;
        ssize_t size = fgetxattr(from, name, value, XATTR_SIZE_MAX);
        if (size < 0 || (fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != ENOTSUP))
            return berth_error_set_errno(error, errno, "copy %s of \"%.200s\"", name, path);
    }
    return true;
}

bool berth_attributes_copy(int from, int to, const char *path, GError **error) {
    struct stat status;

    if (fstat(from, &status) < 0)
        return berth_error_set_errno(error, errno, "look at \"%.200s\"", path);
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    if (fchown(to, status.st_uid, status.st_gid) < 0 || fchmod(to, status.st_mode & 07777) < 0)
        return berth_error_set_errno(error, errno, "set the attributes of \"%.200s\"", path);
    if (!berth_attributes_copy_xattrs(from, to, path, error))
        return false;
    if (futimens(to, times) < 0)
        return berth_error_set_errno(error, errno, "set the time of \"%.200s\"", path);
    return true;
}

bool berth_attributes_is_opaque(int directory) {
    char value;

    return fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}
