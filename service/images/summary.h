/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A summary of an image, built only from berth.db and the store: no document is read for it. */

#pragma once

#include "images/images.h"

typedef struct {
    uint64_t bytes;   /* size of the stored content that its name reaches, compressed as received */
    char **platforms; /* those whose configuration was read, as a pull does */
    bool unpacked;    /* for one of these platforms */
} BerthImageSummary;

bool berth_images_summarize(BerthImages *images, const BerthImage *image,
                            BerthImageSummary *summary, GError **error);
void berth_image_summary_clear(BerthImageSummary *summary);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthImageSummary, berth_image_summary_clear)
