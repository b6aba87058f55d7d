/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reasons why content is kept, and the space that it uses. */

#pragma once

#include "images/images.h"
#include "store/reach.h"

/* Lists the names, leases, containers and pins (of transfers and of mounts in containers) that keep
 * a blob or a snapshot; empty for garbage. */
GPtrArray *berth_images_explain(BerthImages *images, const char *digest,
                                const BerthReachViewer *viewer, GError **error);

/* Lists the space used by images, snapshots, ingests and garbage. */
typedef struct {
    const char *kind; /* image, snapshot, container, ingest, garbage */
    char *name;
    uint64_t bytes;  /* total */
    uint64_t unique; /* not shared with others of the same kind */
} BerthUsage;
GPtrArray *berth_images_list_usage(BerthImages *images, const BerthReachViewer *viewer,
                                   GError **error);
