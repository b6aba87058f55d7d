/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mounts that a caller requests, in the terms of the OCI runtime configuration. */

#pragma once

#include "base/error.h"
#include "containers/spec/options.h"

#include <json-c/json.h>

/* What a mount of an image or artifact shows; see image-mounts.h. */
typedef struct {
    char *name;           /* of the image or artifact */
    bool is_artifact;     /* its blobs are mounted, as files */
    char *title, *digest; /* of the one blob of an artifact that is wanted; NULL: all */
    char *file_name;      /* of the files, instead of their titles; NULL */
} BerthImageMount;

typedef struct {
    const char *type;
    char *source, *destination;
    char **options;
    char *volume;           /* the name of one of Berth's volumes; or NULL */
    char *subpath;          /* the mounted part of the volume or image; or NULL */
    BerthImageMount *image; /* set if its files are mounted (image-mounts.h) */
    bool of_container;      /* a directory of the container itself, as for the image's volumes */
    bool takes_ids;         /* in a user namespace, the ids on disk are those of the container */
    /* The source belongs to the caller, and the options grant nothing extra, so no privilege is
     * needed if the container has a user namespace. This is verified again at each start
     * (launch/bind-tree.c). */
    bool of_caller;
    uint32_t caller;
} BerthMountRequest;

/* A bind mount of the file or directory behind a descriptor, which proves that the caller could
 * open it. The path is stored; whether it still leads to the same file is checked when the
 * container starts. options are those of the runtime specification (ro, rw, rbind, idmap…) and
 * "noidmap". For callers other than root the mount is nosuid and nodev, including everything
 * mounted below it, whatever the options say. */
BerthMountRequest *berth_mount_request_new_bind(int fd, const char *destination, char **options,
                                                uint32_t caller, GError **error);

/* The same for a directory that is the container's root: the caller's own files appear as those of
 * the container's root, and for root all ids on disk are those of the container. Mounts below it
 * are not visible. */
BerthMountRequest *berth_mount_request_new_root(int fd, uint32_t caller, GError **error);

/* The same with a path of the host, taken from a file that the administrator controls. */
BerthMountRequest *berth_mount_request_new_trusted(const char *source, const char *destination,
                                                   char **options, GError **error);

/* An empty source stands for a tmpfs or, with the option "volume", for a directory of the
 * container; a name stands for a volume. */
BerthMountRequest *berth_mount_request_new(const char *source, const char *destination,
                                           char **options, uint32_t caller, GError **error);
void berth_mount_request_free(gpointer request);

/* Whether a path can be a mount point in a container. */
bool berth_mount_check_destination(const char *destination, GError **error);

/* Take an option out of a list: one that stands for itself, or the value after a prefix, which is
 * the caller's; NULL if there is none. */
bool berth_mount_take_option(char **options, const char *option);
char *berth_mount_take_value(char **options, const char *prefix);

/* Ends the list of berthd's own options with those that were given, except "noidmap", which only
 * berthd knows. Takes over the list. */
char **berth_mount_end_options(GPtrArray *list, char *const *given);

/* Sets the directory of a volume. With idmap, its files have the container's ids. Takes over
 * path. */
void berth_mount_request_set_source(BerthMountRequest *request, char *path, bool idmap);

/* The path and identity of an open file. The caller frees both strings. */
char *berth_mount_describe(int fd, char **inode, GError **error);

/* Appends a mount to "mounts" of a configuration. has_users is true if the container has its own
 * user namespace. kept is the user that the caller is mapped to in the container. */
void berth_mount_append(json_object *mounts, const BerthMountRequest *request, bool has_users,
                        const BerthKeptId *kept);
