/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a tree consists of while its layer is unpacked; tree.h says what it is. For the files that
 * make and settle trees (tree-*.c, settle*.c): the notes are kept by tree-notes.c, the directory of
 * the last entry by tree-path.c. The owner of a tree uses tree.h alone.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

typedef enum {
    BERTH_LOWER_UNKNOWN, /* not there yet */
    BERTH_LOWER_NONE,    /* this is the lowest layer */
    BERTH_LOWER_KNOWN,
} BerthLowerState;

/* A directory that was made on the way to an entry, and is not listed itself. */
typedef enum {
    BERTH_IMPLIED_NOT = 0,
    BERTH_IMPLIED_NEW,      /* nothing below shows through: it is a new one */
    BERTH_IMPLIED_INHERITS, /* it has the attributes that it has below */
} BerthImpliedDirectory;

/* Hard links to a file that this layer had not made when they came. An empty file stands under each
 * of their names until settling. */
typedef struct {
    char *target;
    bool hidden; /* this layer hides what the layers below have there */
} BerthTreeLink;

typedef struct {
    int root;
    BerthLowerState knows;
    int lower;        /* the merged tree of the layers below; -1 unless known */
    bool is_inexact;  /* only the lower tree can say what an entry means */
    bool is_opaque;   /* the root hides all that is below */
    bool is_listed;   /* the root was */
    bool default_acl; /* some directory gives one to what is made in it */

    GHashTable *assumed; /* set of paths, taken for a directory or nothing below */
    GHashTable *late; /* set of directories that were listed after others had been made in them */
    GTree *implied;   /* path → BerthImpliedDirectory */
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
    bool parent_gives_group, parent_stale;
    GString *place;
} BerthTree;
