/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The metadata store of images: each name refers to a descriptor and has labels. */

#pragma once

#include "base/descriptor.h"
#include "store/database.h"

typedef struct {
    char *name;
    BerthDescriptor *target;
    uint64_t created_usec, updated_usec;
    char **labels; /* alternating keys and values */
} BerthImage;

void berth_image_free(BerthImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthImage, berth_image_free)

/* Fails with NotFound if there is none. The caller frees it. */
BerthImage *berth_image_store_get(BerthDatabase *database, const char *name, GError **error);
/* Returns all BerthImages, sorted by name. */
GPtrArray *berth_image_store_list(BerthDatabase *database, GError **error);
bool berth_image_store_count(BerthDatabase *database, uint64_t *count, GError **error);

/* Visits the images whose names sort after the given one, in the order of names, one at a time,
 * since there may be many more than are needed. visit returns a positive number to continue.
 * Returns the result of the last call, or 1 if there was no image. */
typedef int (*BerthImageVisit)(const BerthImage *image, void *userdata);
int berth_image_store_visit(BerthDatabase *database, const char *after, BerthImageVisit visit,
                            void *userdata, GError **error);
/* Creates or replaces the name on behalf of owner (provenance.h). *before is set to the earlier
 * target, or NULL. If labels is NULL, the labels are kept. */
bool berth_image_store_put(BerthDatabase *database, const char *name, const BerthDescriptor *target,
                           char *const *labels, uint32_t owner, BerthDescriptor **before,
                           GError **error);
/* Moves the image, its labels and times to new_name, replacing any image of that name. */
bool berth_image_store_rename(BerthDatabase *database, const char *name, const char *new_name,
                              GError **error);
/* Deletes a name with its labels and holders, and sets *before to its target. Fails with NotFound
 * if there is none. */
bool berth_image_store_delete(BerthDatabase *database, const char *name, BerthDescriptor **before,
                              GError **error);

/* Records that the document parent refers to child, so that a prune can determine what is reachable
 * without reading documents. */
bool berth_image_store_add_child(BerthDatabase *database, const char *parent, const char *child,
                                 GError **error);
/* Records that all children of a document have been recorded, in the same transaction. A document
 * read as a manifest may have other children than when read as an index. */
bool berth_image_store_add_document(BerthDatabase *database, const char *digest, bool is_index,
                                    GError **error);
/* Returns the documents that have a name or are referred to by another document, and whose children
 * may not have been recorded: BerthDescriptors without a size. They are not necessarily in the
 * store. */
GPtrArray *berth_image_store_list_unread(BerthDatabase *database, GError **error);

/* Returns a parsed image configuration in the caller's own text form; NULL if none is recorded.
 * digest is an image's target. The caller frees it. */
char *berth_image_store_get_info(BerthDatabase *database, const char *digest, const char *platform);
/* Returns the recorded configurations of all images that have a name or are held by a lease. */
GPtrArray *berth_image_store_list_infos(BerthDatabase *database, GError **error);
/* Returns those of one image's target, one for each platform for which it was read. */
GPtrArray *berth_image_store_list_infos_of(BerthDatabase *database, const char *digest,
                                           GError **error);
/* Records a parsed image configuration, replacing an earlier one. */
bool berth_image_store_set_info(BerthDatabase *database, const char *digest, const char *platform,
                                const char *info, GError **error);
