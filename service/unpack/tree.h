/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tree of one layer, in overlayfs' own form, made entry by entry in the tar's order. What an
 * entry means is what it would do to the merged tree of this layer and those below, every path
 * resolved inside that root.
 *
 * The layers below may not be there yet (BERTH_LOWER_UNKNOWN). Then a name that this layer has not
 * made is taken for a directory or for nothing, hard links to it are placeholders, and both are
 * noted. Settling fills in what the layers below have; where it finds that a name was a symbolic
 * link there, the layer is unpacked once more with the lower tree at hand (BERTH_LOWER_KNOWN).
 *
 * Paths in the notes are real: no symbolic link on the way, relative to the root, "" being that.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/stat.h>

typedef enum {
    BERTH_LOWER_UNKNOWN, /* not there yet */
    BERTH_LOWER_NONE,    /* this is the lowest layer */
    BERTH_LOWER_KNOWN,
} BerthLower;

/* A directory that was made on the way to an entry, and is not listed itself. */
typedef enum {
    BERTH_IMPLIED_NOT = 0,
    BERTH_IMPLIED_NEW,      /* nothing below shows through: it is a new one */
    BERTH_IMPLIED_INHERITS, /* it has the attributes that it has below */
} BerthImplied;

/* Hard links to a file that this layer had not made when they came. An empty file stands under each
 * of their names until settling. */
typedef struct {
    char *target;
    bool hidden; /* this layer hides what the layers below have there */
} BerthTreeLink;

typedef struct {
    int root;
    BerthLower knows;
    int lower;        /* the merged tree of the layers below; -1 unless known */
    bool is_inexact;  /* only the lower tree can say what an entry means */
    bool is_opaque;   /* the root hides all that is below */
    bool is_listed;   /* the root was */
    bool default_acl; /* some directory gives one to what is made in it */

    GHashTable *assumed; /* set of paths, taken for a directory or nothing below */
    GHashTable *late; /* set of directories that were listed after others had been made in them */
    GTree *implied;   /* path → BerthImplied */
    GTree *held;      /* those of implied that hold whiteouts and nothing else */
    GTree *opaque;    /* directories */
    GTree *whiteouts; /* paths */
    GTree *times;     /* directory → struct timespec, set at last */
    GTree *links;     /* path of a placeholder → BerthTreeLink */
    GPtrArray *all_links; /* those, in the tar's order */
    size_t noted_bytes;   /* what all that takes, bounded */

    /* The directory of the last entry, kept open. */
    int parent;
    char *parent_path, *parent_real;
    bool parent_set_group, parent_stale;
    GString *place;
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

/* Takes root over; lower stays the caller's. */
BerthTree *berth_tree_new(int root, BerthLower knows, int lower);
void berth_tree_free(BerthTree *tree);

/* A path of a tar as one below the root: "./a//b/", "/a/b" and "a/x/../b" are "a/b", the root
 * itself is "", and no ".." leads above it. */
char *berth_tree_normalize(const char *path, GError **error);

bool berth_tree_add_directory(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_symlink(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_special(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_add_hard_link(BerthTree *tree, const BerthTreeEntry *entry, GError **error);

/* A regular file: create, write the content into the descriptor, then finish. */
int berth_tree_create_file(BerthTree *tree, const BerthTreeEntry *entry, GError **error);
bool berth_tree_finish_file(BerthTree *tree, const BerthTreeEntry *entry, int fd, GError **error);

/* A ".wh." name: true if it was one and was handled; check error. */
bool berth_tree_add_whiteout(BerthTree *tree, const char *path, bool *was_whiteout, GError **error);

/* A character device 0:0, which overlayfs takes for a whiteout: some layers were made from its
 * form, and nothing else can be meant by one. */
bool berth_tree_add_overlay_whiteout(BerthTree *tree, const BerthTreeEntry *entry, GError **error);

/* After the last entry. */
bool berth_tree_finish(BerthTree *tree, GError **error);

/* Whether berth_settle has something to do. */
bool berth_tree_needs_lower(BerthTree *tree);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthTree, berth_tree_free)
