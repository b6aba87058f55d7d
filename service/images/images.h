/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Images: names with all that they stand for. What is done in steps (resolving, pulling, reading an
 * image's configuration) are operations of their own; this is what they share, and the names.
 */

#pragma once

#include "contents/contents.h"
#include "images/documents.h"
#include "snapshots/snapshot-store.h"
#include "store/image-store.h"
#include "transfers/transfer.h"

typedef enum { BERTH_IMAGE_ADDED, BERTH_IMAGE_UPDATED, BERTH_IMAGE_REMOVED } BerthImageChange;
typedef void (*BerthImageObserver)(const char *name, const BerthDescriptor *target,
                                   BerthImageChange change, void *userdata);

typedef struct {
    sd_event *event;
    BerthDatabase *database;
    BerthContents *contents;
    BerthSnapshotStore *snapshots;
    BerthTransfers *transfers;
    BerthRemotes *remotes;
    int content_directory; /* for index.json */
    unsigned busy;         /* operations that no transfer stands for */
    BerthImageObserver observer;
    void *observer_userdata;
} BerthImages;

/* Puts a name that is checked here, and for which owner answers; before may become NULL. */
bool berth_images_put(BerthImages *images, const char *name, const BerthDescriptor *target,
                      char *const *labels, uint32_t owner, BerthDescriptor **before,
                      GError **error);
bool berth_images_delete(BerthImages *images, const char *name, BerthDescriptor **before,
                         GError **error);

/* Gives an image another name instead of its own. */
bool berth_images_rename(BerthImages *images, const char *name, const char *new_name,
                         GError **error);

/* Records what a document reaches, so that it is known to be in use. */
bool berth_images_record_children(BerthImages *images, const char *parent,
                                  const BerthDocument *document, GError **error);

/* Asks a remote what a reference means. */
typedef void (*BerthImageResolved)(const char *name, const BerthDescriptor *target,
                                   const GError *error, void *userdata);
void berth_images_resolve(BerthImages *images, const BerthRemoteRequest *request,
                          BerthImageResolved done, void *userdata);

/* Asks a registry whether it takes credentials. */
typedef void (*BerthImageDone)(const GError *error, void *userdata);
void berth_images_authenticate(BerthImages *images, const BerthRemoteRequest *request,
                               BerthImageDone done, void *userdata);

/*
 * What an image here is, under that name, for a platform (NULL: this machine's). Answered from
 * berth.db when it was read before, which pulling does; otherwise its documents are read. done may
 * be called at once.
 */
typedef void (*BerthImageRead)(const BerthImageInfo *info, const GError *error, void *userdata);
void berth_images_read_info(BerthImages *images, const char *name, const BerthDescriptor *target,
                            const char *platform, BerthImageRead done, void *userdata);
/* Whether an image's own layers are the ones that are unpacked to its chain; NotFound. */
bool berth_images_check_chain(BerthImages *images, const char *name, const BerthImageInfo *info,
                              GError **error);
bool berth_images_remember_info(BerthImages *images, const char *digest, const char *platform,
                                const BerthImageInfo *info, GError **error);

/* A document of an image as its JSON text: the index (or whatever its target is), the manifest for
 * the platform, or its configuration. */
typedef enum { BERTH_IMAGE_INDEX, BERTH_IMAGE_MANIFEST, BERTH_IMAGE_CONFIG } BerthImageDocument;
typedef void (*BerthImageText)(const char *text, const GError *error, void *userdata);
void berth_images_read_text(BerthImages *images, const char *name, const BerthDescriptor *target,
                            const char *platform, BerthImageDocument document, BerthImageText done,
                            void *userdata);
