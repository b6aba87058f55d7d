/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Imports images from an archive, which is read once, as a stream: members become content as they
 * are read, and the names are put when everything that they stand for is here. Archives are OCI
 * layouts, those of "docker save", and plain root file systems, which become images of one layer.
 */

#pragma once

#include "images/images.h"

/* Asks whether the names in the archive may be put. images: of BerthImportedImage, owned by the
 * import. The answer is an error if they may not. */
typedef void (*BerthNamesAnswered)(const GError *refused, void *userdata);
typedef struct BerthNameAsker BerthNameAsker;
struct BerthNameAsker {
    void (*ask)(BerthNameAsker *asker, const GPtrArray *images, BerthNamesAnswered answered,
                void *userdata);
    void (*free)(BerthNameAsker *asker); /* there is no answer after that */
};

typedef struct {
    BerthDescriptor *target;
    char *name; /* "" for none */
} BerthImportedImage;

typedef struct {
    int archive;          /* stays the caller's */
    const char *name;     /* for images without one in the archive; "" */
    bool rootfs;          /* the archive is the root file system itself */
    char *const *command; /* of an image made of a root file system */
    const char *platform; /* of that; NULL: this machine's */
    const char *lease;    /* that keeps everything, or "" */
    uint32_t owner;
    BerthNameAsker *asker; /* taken over; NULL: all names may be put */
} BerthImportRequest;

BerthTransfer *berth_import_start(BerthImages *images, const BerthImportRequest *request,
                                  GError **error);
