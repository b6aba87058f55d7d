/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

extern const BerthPart berth_copy_part;

typedef enum {
    BERTH_COPY_OUT,     /* of the container */
    BERTH_COPY_IN,      /* into it */
    BERTH_COPY_CHANGES, /* lists its changes, a line each */
} BerthCopyMode;

typedef struct {
    BerthCopyMode mode;
    const char *path;
    const char *name;  /* of the topmost entry; "" for its own */
    const char *kind;  /* OUT: "file" or "directory" where it has to be one; "" for any */
    int tar;           /* to read from, or to write to */
    bool keeps_owners; /* IN: those of the tar */
} BerthCopyRequest;

/* Copies files as a tar stream; done at its end. The descriptor stays the caller's. */
void berth_container_copy(BerthContainer *container, const BerthCopyRequest *request,
                          BerthContainerDone done, void *userdata);
