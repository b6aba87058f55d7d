/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The documents of an archive with images. */

#pragma once

#include "images/closure.h"

typedef struct {
    char *name;
    BerthDescriptor *target;
    GPtrArray *items; /* of BerthClosureItem */
} BerthExportedImage;

/* images: of BerthExportedImage. The text belongs to the caller. */
char *berth_export_format_index(const GPtrArray *images);
char *berth_export_format_docker(const GPtrArray *images, const BerthPlatform *machine);

/* The manifest of an image; of an index, that for the platform. NULL if it is not here. */
const BerthDocument *berth_export_find_manifest(const BerthExportedImage *image,
                                                const BerthPlatform *machine);

/* The name of an object's member, to be freed. */
char *berth_export_make_path(const char *digest);
