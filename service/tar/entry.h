/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One member of a tar, as returned by the reader and taken by the writer. Names are bytes. */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/stat.h>

typedef struct {
    char *path;
    char *target;      /* of a hard or symbolic link; NULL otherwise */
    bool is_hard_link; /* mode is then that of a regular file, and is ignored */
    mode_t mode;       /* type and permissions */
    uid_t uid;
    gid_t gid;
    int64_t size; /* of a regular file */
    struct timespec mtime;
    dev_t device;
    GPtrArray *xattr_names;  /* of char *; NULL if there are none */
    GPtrArray *xattr_values; /* of GBytes */
    /* star's text form of ACLs (SCHILY.acl), which is ignored in a layer */
    char *access_acl, *default_acl;
} BerthTarEntry;

/* Copies name and adds a reference to value. */
void berth_tar_entry_add_xattr(BerthTarEntry *entry, const char *name, GBytes *value);
void berth_tar_entry_clear(BerthTarEntry *entry);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthTarEntry, berth_tar_entry_clear)
