/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of an import. Each is called by import.c and reports to it; none calls upwards:
 *
 *   import.c           reads the archive, member by member; names the images at the end
 *     import-blob.c      one member on its way into the store
 *     import-members.c   what the archive holds, by name
 *     import-images.c    finds out which images these are, and writes the documents they lack
 *       import-documents.c the text of those
 *     import-check.c     whether everything of each image is here
 */

#pragma once

#include "images/closure.h"
#include "images/import.h"
#include "store/lease-store.h"

/* Shared by all parts. Only import.c writes it. */
typedef struct {
    BerthImages *images;
    BerthTransfer *transfer;
    BerthLease *lease; /* NULL for none */
    BerthPlatform *platform;
    BerthWorker *archive, *ingest, *inspect;
    BerthPins *pins;
} BerthImportContext;

/* import-blob.c */

/* Records that the archive has brought this content. Nothing collects it while the import runs; the
 * lease keeps it after that. */
bool berth_import_pin(const BerthImportContext *context, const char *digest, GError **error);

typedef struct BerthImportBlob BerthImportBlob;

/* Called once; the blob may be freed in it. */
typedef void (*BerthImportBlobDone)(BerthImportBlob *blob, const char *digest, uint64_t size,
                                    const GError *error, void *userdata);

/* Brings the present member into the store, as expected (NULL: as what it turns out to be). */
BerthImportBlob *berth_import_blob_new(const BerthImportContext *context, const char *member,
                                       const char *expected, BerthImportBlobDone done,
                                       void *userdata);
void berth_import_blob_free(BerthImportBlob *blob);
void berth_import_blob_start(BerthImportBlob *blob);
const char *berth_import_blob_get_member(const BerthImportBlob *blob);

/* import-members.c */
typedef struct BerthImportMembers BerthImportMembers;

typedef struct {
    char *digest;
    uint64_t size;
} BerthImportMember;

BerthImportMembers *berth_import_members_new(void);
void berth_import_members_free(BerthImportMembers *members);
void berth_import_members_add(BerthImportMembers *members, const char *name, const char *digest,
                              uint64_t size);
void berth_import_members_add_link(BerthImportMembers *members, const char *name,
                                   const char *target, bool is_hard_link);
/* The content of a name, through links; NULL if there is none. */
const BerthImportMember *berth_import_members_find(BerthImportMembers *members, const char *name);

/* "./a//b" and "a/b" are one name of a member; "" for a name with "..", which no document of an
 * archive has. Caller frees. */
char *berth_import_normalize(const char *name);

/* import-images.c */
typedef enum {
    BERTH_IMPORT_LAYOUT, /* index.json names them */
    BERTH_IMPORT_DOCKER, /* manifest.json does */
    BERTH_IMPORT_ROOTFS, /* the archive is a root file system, which becomes one */
} BerthImportKind;

typedef struct {
    BerthImportKind kind;
    int document; /* of a layout or docker archive: that file, in memory */
    BerthImportMembers *members;
    const char *name;     /* for images without one; "" */
    char *const *command; /* of the image that is made of a root file system */
} BerthImportImagesRequest;

typedef struct BerthImportImages BerthImportImages;

/* found: of BerthImportedImage, with their full names; its documents are in the store. */
typedef void (*BerthImportFound)(GPtrArray *found, const GError *error, void *userdata);

BerthImportImages *berth_import_images_new(const BerthImportContext *context,
                                           const BerthImportImagesRequest *request,
                                           BerthImportFound done, void *userdata);
void berth_import_images_free(BerthImportImages *images);
void berth_import_images_start(BerthImportImages *images);

/* import-documents.c; layers: of BerthImportMember. */
char *berth_import_format_manifest(const BerthImportMember *config, GPtrArray *layers);
char *berth_import_format_config(const BerthPlatform *platform, char *const *command,
                                 const char *diff_id);

/* import-check.c */
typedef struct BerthImportCheck BerthImportCheck;
typedef void (*BerthImportChecked)(const GError *error, void *userdata);

/* found stays the caller's, longer than the check. */
BerthImportCheck *berth_import_check_new(const BerthImportContext *context, GPtrArray *found,
                                         BerthImportChecked done, void *userdata);
void berth_import_check_free(BerthImportCheck *check);
void berth_import_check_start(BerthImportCheck *check);
