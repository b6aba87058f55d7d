/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mounts that a caller requests, in the terms of the OCI runtime configuration. */

#pragma once

#include "base/error.h"
#include "containers/spec/options.h"

#include <json-glib/json-glib.h>

typedef struct {
    const char *type;
    char *source, *destination;
    char **options;
    char *volume; /* the name of a volume of Berth's; NULL */
    bool own;     /* a directory of the container itself, as the image's volumes are */
    /* The caller's own, with options that give nothing more: no privilege where the container has a
     * user namespace. What it says is checked again at each start (launch/bind-tree.c). */
    bool owned;
    uint32_t owner; /* of an owned one */
} BerthMountRequest;

/* A bind mount of the file or directory of a descriptor, which the caller was able to open.
 * The path is kept; that it still leads to the same file is checked when the container starts.
 * options: ro, rw, rbind, idmap … of the runtime specification; and "noidmap". Those of callers
 * other than root are nosuid and nodev, with all that is mounted below, whatever the options say.
 */
BerthMountRequest *berth_mount_request_new_bind(int fd, const char *destination, char **options,
                                                uint32_t caller, GError **error);

/* The same by a path of the host, from a file of the administrator's. */
BerthMountRequest *berth_mount_request_new_trusted(const char *source, const char *destination,
                                                   char **options, GError **error);

/* Source "" is a tmpfs or, with the option "volume", a directory of the container; a name is a
 * volume. */
BerthMountRequest *berth_mount_request_new(const char *source, const char *destination,
                                           char **options, uint32_t caller, GError **error);
void berth_mount_request_free(gpointer request);

/* Says where a volume is; idmap: its files have the container's ids. Takes path over. */
void berth_mount_request_set_source(BerthMountRequest *request, char *path, bool idmap);

/* Path and identity of an open file; the path is the caller's. */
char *berth_mount_describe(int fd, char **inode, GError **error);

/* has_users: the container has a user namespace of its own. kept: the user that the caller is in
 * it.
 */
void berth_mount_add(JsonBuilder *builder, const BerthMountRequest *request, bool has_users,
                     const BerthKeptId *kept);
