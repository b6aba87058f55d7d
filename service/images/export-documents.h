/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The documents of an archive that contains images. */

#pragma once

#include "images/closure.h"

typedef struct {
    char *name;
    BerthDescriptor *target;
    GPtrArray *items; /* of BerthClosureItem */
} BerthExportedImage;

/* images are BerthExportedImages. The text belongs to the caller. */
char *berth_export_format_index(const GPtrArray *images);
char *berth_export_format_docker(const GPtrArray *images, const BerthPlatform *machine);

/* Returns an image's manifest; for an index, the one for the platform. NULL if it is not stored. */
const BerthDocument *berth_export_find_manifest(const BerthExportedImage *image,
                                                const BerthPlatform *machine);

/* Returns the name of an object's member. The caller frees it. */
char *berth_export_make_path(const char *digest);
