/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The state of a tree while its layer is unpacked; see tree.h. For the files that make and settle
 * trees (tree-*.c, settle*.c): tree-notes.c manages the notes, tree-path.c the directory of the
 * last entry. The owner of a tree only uses tree.h.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

typedef enum {
    BERTH_LOWER_UNKNOWN, /* not available yet */
    BERTH_LOWER_NONE,    /* this is the lowest layer */
    BERTH_LOWER_KNOWN,
} BerthLowerState;

/* A directory that was made on the way to an entry, and is not listed itself. */
typedef enum {
    BERTH_IMPLIED_NOT = 0,
    BERTH_IMPLIED_NEW,      /* nothing below shows through: it is new */
    BERTH_IMPLIED_INHERITS, /* it has the attributes that it has below */
} BerthImpliedDirectory;

/* Hard links to a file that this layer had not made yet. Until settling, there is an empty file
 * under each of their names. */
typedef struct {
    char *target;
    bool hidden; /* this layer hides what the layers below have there */
} BerthTreeLink;

typedef struct {
    int root;
    BerthLowerState knows;
    int lower;        /* the merged tree of the layers below; -1 unless known */
    bool is_inexact;  /* only the lower tree can tell what an entry means */
    bool is_opaque;   /* the root hides everything below */
    bool is_listed;   /* the tar lists the root */
    bool default_acl; /* some directory may have a default ACL, which new entries get */

    GHashTable *assumed_directories; /* set of paths assumed to be a directory or nothing below */
    GHashTable
        *listed_late; /* set of directories that were listed after others had been made in them */
    GTree *implied;   /* path → BerthImpliedDirectory */
    GTree *whiteout_only; /* those of implied that hold only whiteouts */
    GTree *opaque;        /* directories */
    GTree *whiteouts;     /* paths */
    GTree *times;         /* directory → struct timespec, applied last */
    GTree *links;         /* path of a placeholder → BerthTreeLink */
    GPtrArray *all_links; /* all of these, in the tar's order */
    size_t noted_bytes;   /* the memory that all of this takes, which is bounded */

    /* The directory of the last entry, kept open. */
    int parent;
    char *parent_path, *parent_real;
    bool parent_gives_group, parent_stale;
    GString *place;
} BerthTree;
