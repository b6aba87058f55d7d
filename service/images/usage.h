/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What keeps content from being collected, and what takes the space. */

#pragma once

#include "images/images.h"
#include "store/reach.h"

/* What keeps a blob or a snapshot, in words; empty for garbage. Includes running transfers. */
GPtrArray *berth_images_explain(BerthImages *images, const char *digest, const BerthSight *sight,
                                GError **error);

/* What takes the space. */
typedef struct {
    const char *kind; /* image, snapshot, container, ingest, garbage */
    char *name;
    uint64_t bytes;  /* in all */
    uint64_t unique; /* that nothing of the same kind shares */
} BerthUsage;
GPtrArray *berth_images_list_usage(BerthImages *images, const BerthSight *sight, GError **error);
