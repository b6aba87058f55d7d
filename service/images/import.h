/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Importing: an archive is read once, as a stream; each member that matters becomes content while
 * it passes, and the names are put when all that they stand for is here. OCI layouts, "docker save"
 * archives, and plain root file systems as images of one layer.
 */

#pragma once

#include "images/images.h"

/* Asks whether the names may be put that the archive turned out to hold. images: of
 * BerthImportedImage, the import's; answered with an error for a refusal. */
typedef void (*BerthNamesAnswered)(const GError *refused, void *userdata);
typedef struct BerthNameAsker BerthNameAsker;
struct BerthNameAsker {
    void (*ask)(BerthNameAsker *asker, const GPtrArray *images, BerthNamesAnswered answered,
                void *userdata);
    void (*free)(BerthNameAsker *asker); /* nothing is answered after that */
};

typedef struct {
    BerthDescriptor *target;
    char *name; /* "" for none */
} BerthImportedImage;

typedef struct {
    int archive;          /* stays the caller's */
    const char *name;     /* for what the archive gives none; "" */
    bool rootfs;          /* the archive is the root file system itself */
    char *const *command; /* of an image made of a root file system */
    const char *platform; /* of that; NULL: this machine's */
    const char *lease;    /* that keeps all of it, or "" */
    uint32_t owner;
    BerthNameAsker *asker; /* taken over; NULL: all names may be put */
} BerthImportRequest;

BerthTransfer *berth_import_start(BerthImages *images, const BerthImportRequest *request,
                                  GError **error);
