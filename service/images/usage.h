/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What keeps content from being collected, and what takes the space. */

#pragma once

#include "images/images.h"
#include "store/reach.h"

/* Lists what keeps a blob or a snapshot, running transfers included; empty for garbage. */
GPtrArray *berth_images_explain(BerthImages *images, const char *digest,
                                const BerthReachViewer *viewer, GError **error);

/* Lists what takes the space. */
typedef struct {
    const char *kind; /* image, snapshot, container, ingest, garbage */
    char *name;
    uint64_t bytes;  /* in all */
    uint64_t unique; /* not shared with others of the same kind */
} BerthUsage;
GPtrArray *berth_images_list_usage(BerthImages *images, const BerthReachViewer *viewer,
                                   GError **error);
