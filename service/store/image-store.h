/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The metadata store of images: each name refers to a descriptor and has labels. */

#pragma once

#include "base/descriptor.h"
#include "store/database.h"

typedef struct {
    char *name;
    BerthDescriptor *target;
    uint64_t created_usec, updated_usec;
    char **labels; /* key, value, … */
} BerthImage;

void berth_image_free(BerthImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthImage, berth_image_free)

/* NotFound if there is none. Caller frees. */
BerthImage *berth_image_store_get(BerthDatabase *database, const char *name, GError **error);
GPtrArray *berth_image_store_list(BerthDatabase *database, GError **error);
bool berth_image_store_count(BerthDatabase *database, uint64_t *count, GError **error);

/* Visits the images whose names sort after the given one, in the order of names, one at a time:
 * there may be many more than are wanted. visit returns a positive number to continue; the last
 * value is returned, 1 if there was no image. */
typedef int (*BerthImageVisit)(const BerthImage *image, void *userdata);
int berth_image_store_visit(BerthDatabase *database, const char *after, BerthImageVisit visit,
                            void *userdata, GError **error);
/* Creates or replaces the name on behalf of owner (provenance.h). *before receives the earlier
 * target, or NULL. labels NULL keeps the labels. */
bool berth_image_store_put(BerthDatabase *database, const char *name, const BerthDescriptor *target,
                           char *const *labels, uint32_t owner, BerthDescriptor **before,
                           GError **error);
/* Moves the image, its labels and times to new_name, replacing an image of that name. */
bool berth_image_store_rename(BerthDatabase *database, const char *name, const char *new_name,
                              GError **error);
bool berth_image_store_delete(BerthDatabase *database, const char *name, BerthDescriptor **before,
                              GError **error);

/* Records that the document parent refers to child, so that a prune finds what is reachable without
 * reading documents. */
bool berth_image_store_add_child(BerthDatabase *database, const char *parent, const char *child,
                                 GError **error);
/* Records that all children of a document are recorded, in the transaction that has recorded them.
 * What is read as a manifest and as an index may have other children as the one than as the other.
 */
bool berth_image_store_add_document(BerthDatabase *database, const char *digest, bool is_index,
                                    GError **error);
/* The documents that have a name, or that another document refers to, and whose children may not be
 * recorded: of BerthDescriptor, without a size. They need not be in the store. */
GPtrArray *berth_image_store_list_unread(BerthDatabase *database, GError **error);

/* A parsed image configuration, in the caller's own text form; NULL if none is recorded. digest is
 * an image's target. Caller frees. */
char *berth_image_store_get_info(BerthDatabase *database, const char *digest, const char *platform);
/* The recorded configurations of all images that have a name or are held by a lease. */
GPtrArray *berth_image_store_list_infos(BerthDatabase *database, GError **error);
/* The same of one image's target, for each platform of which it was read. */
GPtrArray *berth_image_store_list_infos_of(BerthDatabase *database, const char *digest,
                                           GError **error);
bool berth_image_store_set_info(BerthDatabase *database, const char *digest, const char *platform,
                                const char *info, GError **error);
