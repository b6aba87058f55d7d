/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One member of a tar, as the reader gives it and the writer takes it. Names are bytes. */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/stat.h>

typedef struct {
    char *path;
    char *target;      /* of a hard or symbolic link; NULL otherwise */
    bool is_hard_link; /* mode is a regular file's then, and means nothing */
    mode_t mode;       /* type and permissions */
    uid_t uid;
    gid_t gid;
    int64_t size; /* of a regular file */
    struct timespec mtime;
    dev_t device;
    GPtrArray *xattr_names;  /* of char *; NULL without any */
    GPtrArray *xattr_values; /* of GBytes */
    /* star's text of ACLs (SCHILY.acl). It means nothing in a layer. */
    char *access_acl, *default_acl;
} BerthTarEntry;

void berth_tar_entry_add_xattr(BerthTarEntry *entry, const char *name, GBytes *value);
void berth_tar_entry_clear(BerthTarEntry *entry);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthTarEntry, berth_tar_entry_clear)
