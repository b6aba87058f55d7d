/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A summary of an image, from berth.db and the store alone: no document is read for it. */

#pragma once

#include "images/images.h"

typedef struct {
    uint64_t bytes;   /* of what its name reaches and is here, compressed as it came */
    char **platforms; /* those whose configuration was read, which pulling does */
    bool unpacked;    /* for one of these platforms */
} BerthImageSummary;

bool berth_images_summarize(BerthImages *images, const BerthImage *image,
                            BerthImageSummary *summary, GError **error);
void berth_image_summary_clear(BerthImageSummary *summary);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthImageSummary, berth_image_summary_clear)
