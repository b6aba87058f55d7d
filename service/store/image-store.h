/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The metadata store of images: names, each standing for a descriptor, with labels. */

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

/* NotFound where there is none. */
BerthImage *berth_image_store_get(BerthDatabase *database, const char *name, GError **error);
GPtrArray *berth_image_store_list(BerthDatabase *database, GError **error);
bool berth_image_store_count(BerthDatabase *database, uint64_t *count, GError **error);

/* Those whose names come after this one, by their names, one at a time: a row is read with the
 * other. */
sqlite3_stmt *berth_image_store_query(BerthDatabase *database, const char *after, GError **error);
BerthImage *berth_image_store_read(BerthDatabase *database, sqlite3_stmt *rows);
/* Puts the name, for which owner answers (provenance.h); before gets what it stood for, or NULL.
 * labels NULL leaves them as they are. */
bool berth_image_store_put(BerthDatabase *database, const char *name, const BerthDescriptor *target,
                           char *const *labels, uint32_t owner, BerthDescriptor **before,
                           GError **error);
/* Under the new name with its labels and times; what that stood for is replaced. */
bool berth_image_store_rename(BerthDatabase *database, const char *name, const char *new_name,
                              GError **error);
bool berth_image_store_delete(BerthDatabase *database, const char *name, BerthDescriptor **before,
                              GError **error);

/* What a document reaches: recorded while it is fetched, so that nothing has to be read again to
 * know what keeps a blob. */
bool berth_image_store_add_child(BerthDatabase *database, const char *parent, const char *child,
                                 GError **error);

/* An image's configuration as it was read once, in the caller's own text form; NULL where it was
 * not. digest is an image's target. */
char *berth_image_store_get_info(BerthDatabase *database, const char *digest, const char *platform);
/* What is remembered of the configurations of all images that have a name or are under a lease. */
GPtrArray *berth_image_store_list_infos(BerthDatabase *database, GError **error);
bool berth_image_store_set_info(BerthDatabase *database, const char *digest, const char *platform,
                                const char *info, GError **error);
