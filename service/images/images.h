/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Images: names, and the content that they refer to. Everything that takes several steps
 * (resolving, pulling, reading an image's configuration) is an operation in a separate file; this
 * header has the parts that they share, and the names themselves.
 */

#pragma once

#include "contents/contents.h"
#include "images/documents.h"
#include "snapshots/snapshot-store.h"
#include "store/image-store.h"
#include "transfers/transfer.h"

typedef enum { BERTH_IMAGE_ADDED, BERTH_IMAGE_UPDATED, BERTH_IMAGE_REMOVED } BerthImageChange;
/* What has changed in a name that was updated, besides its time. */
enum { BERTH_IMAGE_RETARGETED = 1 << 0, BERTH_IMAGE_RELABELED = 1 << 1 };
typedef void (*BerthImageObserver)(const char *name, const BerthDescriptor *target,
                                   BerthImageChange change, unsigned what, void *userdata);

typedef struct {
    sd_event *event;
    BerthDatabase *database;
    BerthContents *contents;
    BerthSnapshotStore *snapshots;
    BerthTransfers *transfers;
    BerthRemotes *remotes;
    int content_directory; /* for index.json */
    BerthImageObserver observer;
    void *observer_userdata;
} BerthImages;

/* Puts a name, which is checked here, on behalf of owner. *before is set to the earlier target, or
 * NULL. */
bool berth_images_put(BerthImages *images, const char *name, const BerthDescriptor *target,
                      char *const *labels, uint32_t owner, BerthDescriptor **before,
                      GError **error);

typedef struct {
    const char *name;
    const BerthDescriptor *target;
} BerthImagePut;

/* Puts all of these names or, on an error, none. The users on whose behalf the name base exists
 * (NULL: no others) then hold these names, too. */
bool berth_images_put_many(BerthImages *images, const BerthImagePut *puts, size_t count,
                           const char *base, uint32_t owner, GError **error);
/* Deletes a name and sets *before to its target. Fails with NotFound if there is none. */
bool berth_images_delete(BerthImages *images, const char *name, BerthDescriptor **before,
                         GError **error);
/* Deletes all of these names or, on an error, none; a name that does not exist is not an error.
 * *deleted lists those that existed; the strings still belong to the caller. */
bool berth_images_delete_many(BerthImages *images, char *const *names, GPtrArray **deleted,
                              GError **error);

/* Renames an image. */
bool berth_images_rename(BerthImages *images, const char *name, const char *new_name,
                         GError **error);

/* Records which objects a document refers to, so that they are known to be in use. */
bool berth_images_record_children(BerthImages *images, const char *parent,
                                  const BerthDocument *document, GError **error);

/* Asks a remote what a reference resolves to. userdata is the operation's caller
 * (base/operation.h), as in all functions of this folder that take a callback. */
typedef void (*BerthImageResolved)(const char *name, const BerthDescriptor *target,
                                   const GError *error, void *userdata);
void berth_images_resolve(BerthImages *images, const BerthRemoteRequest *request,
                          BerthImageResolved done, void *userdata);

/* Asks a registry whether it accepts credentials. */
typedef void (*BerthImageDone)(const GError *error, void *userdata);
void berth_images_authenticate(BerthImages *images, const BerthRemoteRequest *request,
                               BerthImageDone done, void *userdata);

/*
 * Reads the configuration of the stored image with that name, for a platform (NULL: this
 * machine's). It is taken from berth.db if it was read before, as it is during a pull; otherwise
 * the documents are read. The operation is returned so that the caller can cancel it.
 */
typedef void (*BerthImageRead)(const BerthImageInfo *info, const GError *error, void *userdata);
BerthOperation *berth_images_read_info(BerthImages *images, const char *name,
                                       const BerthDescriptor *target, const char *platform,
                                       BerthImageRead done, void *userdata);
/* Reads the manifest for a platform of whatever has that name, an artifact as well. */
typedef void (*BerthImageManifestRead)(const BerthDocument *manifest, const GError *error,
                                       void *userdata);
void berth_images_read_manifest(BerthImages *images, const char *name,
                                const BerthDescriptor *target, BerthImageManifestRead done,
                                void *userdata);
/* Whether an image's chain was unpacked from the image's own layers; otherwise the error is
 * NotFound. */
bool berth_images_check_chain(BerthImages *images, const char *name, const BerthImageInfo *info,
                              GError **error);
/* Records a parsed configuration in berth.db, for berth_images_read_info. */
bool berth_images_remember_info(BerthImages *images, const char *digest, const char *platform,
                                const BerthImageInfo *info, GError **error);

/* Reads a document of an image as JSON text: the index (or whatever its target is), the manifest
 * for the platform, or its configuration. */
typedef enum { BERTH_IMAGE_INDEX, BERTH_IMAGE_MANIFEST, BERTH_IMAGE_CONFIG } BerthImageDocument;
typedef void (*BerthImageText)(const char *text, const GError *error, void *userdata);
void berth_images_read_text(BerthImages *images, const char *name, const BerthDescriptor *target,
                            const char *platform, BerthImageDocument document, BerthImageText done,
                            void *userdata);
