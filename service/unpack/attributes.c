/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The attributes of a file besides its content, set in the order that preserves them: owner, mode
 * (chown clears set-id bits), extended attributes, and times last. One process-wide switch, plain,
 * leaves out what an unprivileged user could not set; it is set before the first thread starts.
 */

#include "unpack/attributes.h"

#include "base/fd.h"
#include "base/keeper.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Set once, before the first job. */
static bool plain;

void berth_attributes_make_plain(void) {
    plain = true;
}

bool berth_attributes_are_plain(void) {
    return plain;
}

bool berth_attributes_is_kept_xattr(const char *name) {
    /* With overlayfs's own attributes, a layer could show files that it does not contain; SELinux
     * labels belong to the host. user.overlay.* has a meaning only for mounts with the option
     * userxattr, such as those of a container that keeps layers itself. */
    return !g_str_has_prefix(name, "trusted.overlay.") && !g_str_equal(name, "security.selinux") &&
           (!plain || g_str_has_prefix(name, "user."));
}

/* AT_EMPTY_PATH covers both forms: a name in the directory, or the descriptor itself. A symbolic
 * link is never followed. */
bool berth_attributes_set_owner(int directory, const char *name, uid_t uid, gid_t gid) {
    return plain || fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0;
}

/* A set-id bit in a user's directory would grant that user's rights to anyone who runs the file. */
mode_t berth_attributes_limit_mode(mode_t mode) {
    return mode & (plain ? 01777 : 07777);
}

bool berth_attributes_set_mode(int fd, mode_t mode) {
    struct stat status;

    if (!plain)
        return fchmod(fd, berth_attributes_limit_mode(mode)) == 0;
    if (fstat(fd, &status) < 0)
        return false;
    /* The user has set this bit on the directory so that new entries get its group; it is kept. */
    mode_t inherited = S_ISDIR(status.st_mode) ? status.st_mode & S_ISGID : 0;
    return fchmod(fd, berth_attributes_limit_mode(mode) | inherited) == 0;
}

static bool needs_keeper(const char *name) {
    return !plain && berth_keeper_is_for(name);
}

/* trusted.* names are only listed for a process with CAP_SYS_ADMIN in the initial user namespace
 * (xattr(7)), which the keeper has. */
ssize_t berth_attributes_list_xattrs(int fd, char *names, size_t size) {
    return plain ? flistxattr(fd, names, size) : berth_keeper_list_xattrs(fd, names, size);
}

ssize_t berth_attributes_get_xattr(int fd, const char *name, void *value, size_t size) {
    return !plain && g_str_has_prefix(name, "trusted.")
               ? berth_keeper_get_xattr(fd, name, value, size)
               : fgetxattr(fd, name, value, size);
}

int berth_attributes_set_xattr(int fd, const char *name, const void *value, size_t size) {
    return needs_keeper(name) ? berth_keeper_set_xattr(fd, NULL, name, value, size)
                              : fsetxattr(fd, name, value, size, 0);
}

int berth_attributes_set_xattr_of(int directory, const char *entry, const char *name,
                                  const void *value, size_t size) {
    if (needs_keeper(name))
        return berth_keeper_set_xattr(directory, entry, name, value, size);
    /* There is no setxattrat(2) before Linux 6.13. Changing directory is safe, since the tree is
     * this process's root. */
    return fchdir(directory) < 0 ? -1 : lsetxattr(entry, name, value, size, 0);
}

static int remove_xattr(int fd, const char *name) {
    return needs_keeper(name) ? berth_keeper_remove_xattr(fd, name) : fremovexattr(fd, name);
}

#define ACCESS_ACL_XATTR "system.posix_acl_access"
#define DEFAULT_ACL_XATTR "system.posix_acl_default"

bool berth_attributes_have_default_acl(int directory) {
    return !plain && fgetxattr(directory, DEFAULT_ACL_XATTR, NULL, 0) > 0;
}

/* In a user's directory the ACLs belong to that user, and the kernel has applied them already. */
bool berth_attributes_take_default_acl(int above, int directory) {
    g_autofree char *acl = NULL;

    if (!berth_attributes_have_default_acl(above))
        return true;
    acl = g_malloc(XATTR_SIZE_MAX);
    ssize_t size = fgetxattr(above, DEFAULT_ACL_XATTR, acl, XATTR_SIZE_MAX);
    return size >= 0 && fsetxattr(directory, ACCESS_ACL_XATTR, acl, (size_t)size, 0) == 0 &&
           fsetxattr(directory, DEFAULT_ACL_XATTR, acl, (size_t)size, 0) == 0;
}

bool berth_attributes_inherit(int above, int directory) {
    struct stat status;

    if (fstat(above, &status) < 0)
        return false;
    bool hands_on = status.st_mode & S_ISGID;
    return berth_attributes_set_owner(directory, "", 0, hands_on ? status.st_gid : 0) &&
           berth_attributes_set_mode(directory, hands_on ? S_ISGID | 0755 : 0755) &&
           berth_attributes_take_default_acl(above, directory);
}

static bool is_acl_removed(int result) {
    return result == 0 || errno == ENODATA || errno == ENOTSUP;
}

bool berth_attributes_clear_acl(int fd) {
    return plain || is_acl_removed(fremovexattr(fd, ACCESS_ACL_XATTR));
}

bool berth_attributes_clear_acl_of(int directory, const char *entry) {
    return plain ||
           (fchdir(directory) == 0 && is_acl_removed(lremovexattr(entry, ACCESS_ACL_XATTR)));
}

/* An attribute that the file system of to does not support is left out. If the list cannot be read,
 * it counts as empty. */
bool berth_attributes_copy_xattrs(int from, int to, const char *path, GError **error) {
    g_autofree char *names = g_malloc(XATTR_LIST_MAX), *value = g_malloc(XATTR_SIZE_MAX);
    ssize_t length = berth_attributes_list_xattrs(from, names, XATTR_LIST_MAX);

    for (char *name = names; length > 0 && name < names + length; name += strlen(name) + 1) {
        if (g_str_has_prefix(name, "trusted.overlay.") ||
            (plain && !berth_attributes_is_kept_xattr(name)))
            continue;
        ssize_t size = berth_attributes_get_xattr(from, name, value, XATTR_SIZE_MAX);
        if (size < 0 ||
            (berth_attributes_set_xattr(to, name, value, (size_t)size) < 0 && errno != ENOTSUP))
            return berth_error_set_errno(error, errno, "copy %s of \"%.200s\"", name, path);
    }
    return true;
}

bool berth_attributes_clear_xattrs(int fd, const char *path, GError **error) {
    g_autofree char *names = g_malloc(XATTR_LIST_MAX);
    ssize_t length = berth_attributes_list_xattrs(fd, names, XATTR_LIST_MAX);

    for (char *name = names; length > 0 && name < names + length; name += strlen(name) + 1)
        if (berth_attributes_is_kept_xattr(name) && remove_xattr(fd, name) < 0 && errno != ENODATA)
            return berth_error_set_errno(error, errno, "remove %s of \"%.200s\"", name, path);
    return true;
}

/* The order is the one at the top of this file. */
bool berth_attributes_copy_saved(int from, const struct stat *status, int to, const char *path,
                                 GError **error) {
    const struct timespec times[2] = {status->st_atim, status->st_mtim};

    if (!berth_attributes_set_owner(to, "", status->st_uid, status->st_gid) ||
        !berth_attributes_set_mode(to, status->st_mode))
        return berth_error_set_errno(error, errno, "set the attributes of \"%.200s\"", path);
    if (!berth_attributes_copy_xattrs(from, to, path, error))
        return false;
    if (futimens(to, times) < 0)
        return berth_error_set_errno(error, errno, "set the time of \"%.200s\"", path);
    return true;
}

bool berth_attributes_copy(int from, int to, const char *path, GError **error) {
    struct stat status;

    if (fstat(from, &status) < 0)
        return berth_error_set_errno(error, errno, "examine \"%.200s\"", path);
    return berth_attributes_copy_saved(from, &status, to, path, error);
}

/* Users may not set trusted attributes, and not every file system has user attributes. No file
 * listed in a layer can have this name, since names of whiteouts are not files. */
#define OPAQUE_MARKER ".wh..wh..opq"
#define OPAQUE_XATTR "trusted.overlay.opaque"

/* In a user's directory the mark is an empty file, which merging reads and does not copy. */
bool berth_attributes_make_opaque(int directory) {
    if (!plain)
        return berth_keeper_set_xattr(directory, NULL, OPAQUE_XATTR, "y", 1) == 0;
    berth_autofd int marker =
        openat(directory, OPAQUE_MARKER, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return marker >= 0;
}

bool berth_attributes_is_marker(const char *name) {
    return plain && g_str_equal(name, OPAQUE_MARKER);
}

bool berth_attributes_is_opaque(int directory) {
    struct stat status;
    char value;

    if (plain)
        return fstatat(directory, OPAQUE_MARKER, &status, AT_SYMLINK_NOFOLLOW) == 0;
    return berth_keeper_get_xattr(directory, OPAQUE_XATTR, &value, 1) == 1 && value == 'y';
}
