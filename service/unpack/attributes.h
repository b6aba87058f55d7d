/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attributes of files, of descriptors that are open for reading; path is for messages. */

#pragma once

#include "base/error.h"

#include <sys/stat.h>
#include <sys/types.h>

/* Owner, mode, extended attributes but overlayfs' own, and times, which are those of now: what is
 * done to a directory's entries afterwards changes them. */
bool berth_attributes_copy(int from, int to, const char *path, GError **error);
/* The same with the owner, mode and times that status has, taken before from was changed. */
bool berth_attributes_copy_saved(int from, const struct stat *status, int to, const char *path,
                                 GError **error);
bool berth_attributes_copy_xattrs(int from, int to, const char *path, GError **error);

/* Extended attributes, with those that only the machine's root may read and set (base/keeper.h). As
 * the system calls; of an entry of a directory, a symbolic link is not followed. */
ssize_t berth_attributes_list_xattrs(int fd, char *names, size_t size);
ssize_t berth_attributes_get_xattr(int fd, const char *name, void *value, size_t size);
int berth_attributes_set_xattr(int fd, const char *name, const void *value, size_t size);
int berth_attributes_set_xattr_of(int directory, const char *entry, const char *name,
                                  const void *value, size_t size);

/* Removes all extended attributes that a layer could state. */
bool berth_attributes_clear_xattrs(int fd, const char *path, GError **error);

/*
 * From here on the process works on a user's directory, as that user: owners are left out, and so
 * are set-id bits, devices, and extended attributes but user.*.
 */
void berth_attributes_make_plain(void);
bool berth_attributes_are_plain(void);

/* Whether a layer's extended attribute is given to its file. */
bool berth_attributes_is_kept_xattr(const char *name);

/* False with errno. An empty name: the descriptor itself. */
bool berth_attributes_set_owner(int directory, const char *name, uid_t uid, gid_t gid);
bool berth_attributes_set_mode(int fd, mode_t mode);
/* The bits of a layer's mode that a file other than a directory receives. */
mode_t berth_attributes_limit_mode(mode_t mode);

/* Whether a directory of a layer hides what lies below it; false with errno. */
bool berth_attributes_make_opaque(int directory);
bool berth_attributes_is_opaque(int directory);

/* Whether the name is only there to say that. */
bool berth_attributes_is_marker(const char *name);
