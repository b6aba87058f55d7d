/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

extern const BerthPart berth_copy_part;

typedef enum {
    BERTH_COPY_OUT,     /* out of the container */
    BERTH_COPY_IN,      /* into the container */
    BERTH_COPY_CHANGES, /* lists its changes, one per line */
} BerthCopyMode;

typedef struct {
    BerthCopyMode mode;
    const char *path;
    const char *name;  /* for the topmost entry; "" keeps its own name */
    const char *kind;  /* OUT: the required type, "file" or "directory"; "" for any */
    bool follows_link; /* OUT: copies what a symbolic link leads to */
    int tar;           /* the stream to read from or to write to */
    bool keeps_owners; /* IN: keeps the owners recorded in the tar */
} BerthCopyRequest;

/* Copies files as a tar stream and calls done at the end. The caller keeps the descriptor. */
void berth_container_copy(BerthContainer *container, const BerthCopyRequest *request,
                          BerthContainerDone done, void *userdata);

/* Busy while files are copied into the container. */
bool berth_container_check_not_copied_into(const BerthContainer *container, GError **error);
