/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Images: names, and what they stand for. Everything that needs several steps (resolving, pulling,
 * reading an image's configuration) is an operation in a file of its own; this is what they share,
 * and the names themselves.
 */

#pragma once

#include "contents/contents.h"
#include "images/documents.h"
#include "snapshots/snapshot-store.h"
#include "store/image-store.h"
#include "transfers/transfer.h"

typedef enum { BERTH_IMAGE_ADDED, BERTH_IMAGE_UPDATED, BERTH_IMAGE_REMOVED } BerthImageChange;
/* What has changed of a name that was updated, besides its time. */
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

/* Puts a name, which is checked here, on behalf of owner; before may become NULL. */
bool berth_images_put(BerthImages *images, const char *name, const BerthDescriptor *target,
                      char *const *labels, uint32_t owner, BerthDescriptor **before,
                      GError **error);
bool berth_images_delete(BerthImages *images, const char *name, BerthDescriptor **before,
                         GError **error);
/* All of these names or, with an error, none; one that is not here is no error. *deleted: those
 * that were; the strings stay the caller's. */
bool berth_images_delete_many(BerthImages *images, char *const *names, GPtrArray **deleted,
                              GError **error);

/* Gives an image another name instead of its own. */
bool berth_images_rename(BerthImages *images, const char *name, const char *new_name,
                         GError **error);

/* Records what a document reaches, so that it is known to be in use. */
bool berth_images_record_children(BerthImages *images, const char *parent,
                                  const BerthDocument *document, GError **error);

/* Asks a remote what a reference means. userdata is the operation's caller (base/operation.h), as
 * in all functions of this folder that take a callback. */
typedef void (*BerthImageResolved)(const char *name, const BerthDescriptor *target,
                                   const GError *error, void *userdata);
void berth_images_resolve(BerthImages *images, const BerthRemoteRequest *request,
                          BerthImageResolved done, void *userdata);

/* Asks a registry whether it accepts credentials. */
typedef void (*BerthImageDone)(const GError *error, void *userdata);
void berth_images_authenticate(BerthImages *images, const BerthRemoteRequest *request,
                               BerthImageDone done, void *userdata);

/*
 * Reads what an image of the store is, under that name, for a platform (NULL: this machine's). It
 * is answered from berth.db if it was read before, which pulling does; otherwise the documents are
 * read. The operation is returned for callers that no longer want the answer.
 */
typedef void (*BerthImageRead)(const BerthImageInfo *info, const GError *error, void *userdata);
BerthOperation *berth_images_read_info(BerthImages *images, const char *name,
                                       const BerthDescriptor *target, const char *platform,
                                       BerthImageRead done, void *userdata);
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
