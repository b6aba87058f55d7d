/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Imports images from an archive, which is read once, as a stream: members become content as they
 * are read, and the names are put when everything that they refer to is in the store. Archives are
 * OCI layouts, "docker save" archives, or plain root file systems, which become images with one
 * layer.
 */

#pragma once

#include "images/images.h"

/* Asks whether the names in the archive may be put. images are BerthImportedImages, owned by the
 * import. If the names are refused, the answer is an error. */
typedef void (*BerthNamesAnswered)(const GError *refused, void *userdata);
typedef struct BerthNameAsker BerthNameAsker;
struct BerthNameAsker {
    void (*ask)(BerthNameAsker *asker, const GPtrArray *images, BerthNamesAnswered answered,
                void *userdata);
    void (*free)(BerthNameAsker *asker); /* cancels the question; there is no answer after that */
};

typedef struct {
    BerthDescriptor *target;
    char *name;    /* "": none */
    unsigned rank; /* of several with one name, the highest counts */
} BerthImportedImage;

typedef struct {
    int archive;          /* still belongs to the caller */
    const char *name;     /* for images that have no name in the archive, or "" */
    bool rootfs;          /* the archive is the root file system itself */
    char *const *command; /* for the image created from a root file system */
    const char *platform; /* for the same image; NULL: this machine's */
    const char *lease;    /* keeps all content, or "" */
    uint32_t owner;
    BerthNameAsker *asker; /* ownership is taken; NULL: all names may be put */
} BerthImportRequest;

BerthTransfer *berth_import_start(BerthImages *images, const BerthImportRequest *request,
                                  GError **error);
