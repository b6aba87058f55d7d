/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tree of one layer, as overlayfs takes it: whiteouts become character devices 0:0, opaque
 * directories carry trusted.overlay.opaque. Every path is used below the tree's directory
 * descriptor; one that would leave it is an error. What only the layers below can tell (attributes
 * of directories that the tar implies, hard links to files of lower layers) is noted for settling.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/stat.h>

typedef struct {
    char *target; /* in a lower layer */
    char *path;
} BerthTreeLink;

typedef struct {
    int root;
    GHashTable *implied;  /* set of directories made on the way, not listed themselves */
    GPtrArray *links;     /* of BerthTreeLink, in the tar's order */
    GPtrArray *whiteouts; /* paths */
    GPtrArray *times;     /* directories whose times are set at last */
    char *parent_path;    /* the directory of the last entry, kept open */
    int parent;
    size_t noted_bytes; /* what the notes above take, bounded */
} BerthTree;

/* What an entry has besides its content. xattrs: name, value (GBytes) pairs. */
typedef struct {
    const char *path; /* as berth_tree_normalize gives it */
    mode_t mode;      /* type and permissions */
    uid_t uid;
    gid_t gid;
    struct timespec mtime;
    dev_t device;
    const char *target; /* symlink: as it is; hard link: normalized */
    GPtrArray *xattr_names, *xattr_values;
} BerthTreeEntry;

BerthTree *berth_tree_new(int root);
void berth_tree_free(BerthTree *tree);

/* A path of a tar as one below the root: "./a//b/" → "a/b", the root itself is "". Absolute names
 * and ".." are InvalidArgument. */
char *berth_tree_normalize(const char *path, GError **error);

bool berth_tree_add_directory(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_symlink(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_hard_link(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_special(BerthTree *tree, const BerthTreeEntry *entry, GError **error);

/* A regular file: create, write the content into the descriptor, then finish. */
int berth_tree_create_file(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_finish_file(BerthTree *tree, const BerthTreeEntry *entry, int fd, GError **error);

/* A ".wh." name: true if it was one and was handled; check error. */
bool berth_tree_add_whiteout(BerthTree *tree, const char *path, bool *was_whiteout, GError **error);

/* After the last entry: the times of directories. */
bool berth_tree_finish(BerthTree *tree, GError **error);

/* Whether settling needs the layers below. */
bool berth_tree_needs_lower(BerthTree *tree);

/* The directory of path, made with its parents where it is missing; a descriptor of the tree's,
 * good until the next call. -1 with error. */
int berth_tree_open_parent(BerthTree *tree, const char *path, GError **error);
void berth_tree_forget_parent(BerthTree *tree);

/* The last component. */
const char *berth_tree_get_name(const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthTree, berth_tree_free)
