/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attributes of files, through descriptors that are open for reading; path is for messages. */

#pragma once

#include "base/error.h"

#include <sys/stat.h>
#include <sys/types.h>

/* Copies owner, mode, extended attributes (except overlayfs's own) and times. The times are the
 * current ones: later changes to a directory's entries change them again. */
bool berth_attributes_copy(int from, int to, const char *path, GError **error);
/* The same with the owner, mode and times in status, which was taken before from was changed. */
bool berth_attributes_copy_saved(int from, const struct stat *status, int to, const char *path,
                                 GError **error);
bool berth_attributes_copy_xattrs(int from, int to, const char *path, GError **error);

/* Extended attributes, including those that only the machine's root may read and set
 * (base/keeper.h). Arguments and results are those of the system calls; for an entry of a
 * directory, a symbolic link is not followed. */
ssize_t berth_attributes_list_xattrs(int fd, char *names, size_t size);
ssize_t berth_attributes_get_xattr(int fd, const char *name, void *value, size_t size);
int berth_attributes_set_xattr(int fd, const char *name, const void *value, size_t size);
int berth_attributes_set_xattr_of(int directory, const char *entry, const char *name,
                                  const void *value, size_t size);

/* Removes all extended attributes that a layer could set. */
bool berth_attributes_clear_xattrs(int fd, const char *path, GError **error);

/* From now on the process works in a user's directory, as that user: owners are left out, and so
 * are set-id bits, devices, and extended attributes other than user.*. */
void berth_attributes_make_plain(void);
bool berth_attributes_are_plain(void);

/* Whether an extended attribute in a layer is applied to its file. */
bool berth_attributes_is_kept_xattr(const char *name);

/* False with errno. An empty name refers to the descriptor itself. */
bool berth_attributes_set_owner(int directory, const char *name, uid_t uid, gid_t gid);
bool berth_attributes_set_mode(int fd, mode_t mode);
/* The bits of a layer's mode that a file other than a directory receives. */
mode_t berth_attributes_limit_mode(mode_t mode);

/* Gives directory the attributes that mkdir(2) would give it in above: the group, if above has its
 * set-group-id bit, and the default ACL, unmasked, since an ACL replaces the umask (acl(5)).
 * False with errno. */
bool berth_attributes_inherit(int above, int directory);
/* Applies only the default ACL of above, if it has one. False with errno. */
bool berth_attributes_take_default_acl(int above, int directory);
bool berth_attributes_have_default_acl(int directory);

/* Remove the access ACL of a file, or of an entry, which is not opened; a user's own ACL is kept.
 * False with errno. */
bool berth_attributes_clear_acl(int fd);
bool berth_attributes_clear_acl_of(int directory, const char *entry);

/* Marks a directory of a layer as hiding what lies below it; false with errno. */
bool berth_attributes_make_opaque(int directory);
bool berth_attributes_is_opaque(int directory);

/* Whether the name is only such a mark. */
bool berth_attributes_is_marker(const char *name);
