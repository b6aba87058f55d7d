/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of an import. Each is called by import.c and reports to it; none calls upwards:
 *
 *   import.c           reads the archive, member by member; puts the names at the end
 *     import-blob.c      one member on its way into the store
 *     import-members.c   the contents of the archive, by name
 *     import-images.c    determines the images, and writes documents that they lack
 *       import-documents.c the text of those documents
 *     import-check.c     checks that each image is complete
 */

#pragma once

#include "images/closure.h"
#include "images/import.h"
#include "store/lease-store.h"

/* Shared by all parts. Only import.c modifies it. */
typedef struct {
    BerthImages *images;
    BerthTransfer *transfer;
    BerthLease *lease; /* NULL: none */
    BerthPlatform *platform;
    BerthWorker *archive, *ingest, *inspect;
    BerthPins *pins;
} BerthImportContext;

/* import-blob.c */

/* Records that the archive has brought this content. It is not collected while the import runs;
 * afterwards the lease keeps it. */
bool berth_import_pin(const BerthImportContext *context, const char *digest, GError **error);

typedef struct BerthImportBlob BerthImportBlob;

/* Called once; the blob may be freed in it. */
typedef void (*BerthImportBlobDone)(BerthImportBlob *blob, const char *digest, uint64_t size,
                                    const GError *error, void *userdata);

/* Brings the current member into the store, as expected (NULL: with whatever digest it turns out to
 * have). */
BerthImportBlob *berth_import_blob_new(const BerthImportContext *context, const char *member,
                                       const char *expected, BerthImportBlobDone done,
                                       void *userdata);
void berth_import_blob_free(BerthImportBlob *blob);
/* Starts, or waits until no other operation writes the same content. */
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
/* Counts a member of the archive; LimitExceeded if there are too many or their names are too long
 * to be kept in memory. */
bool berth_import_members_count(BerthImportMembers *members, const char *name, const char *target,
                                GError **error);
void berth_import_members_add(BerthImportMembers *members, const char *name, const char *digest,
                              uint64_t size);
void berth_import_members_add_link(BerthImportMembers *members, const char *name,
                                   const char *target, bool is_hard_link);
/* Returns the content of a name, following links; NULL if there is none. */
const BerthImportMember *berth_import_members_find(BerthImportMembers *members, const char *name);

/* Normalizes a member name: "./a//b" and "x/../a/b" are "a/b". Returns "" for a name that leads out
 * of the archive, to which no document can refer. The caller frees it. */
char *berth_import_normalize(const char *name);

/* import-images.c */
typedef enum {
    BERTH_IMPORT_LAYOUT, /* described by index.json */
    BERTH_IMPORT_DOCKER, /* described by manifest.json */
    BERTH_IMPORT_ROOTFS, /* the archive is a root file system, which becomes an image */
} BerthImportKind;

typedef struct {
    BerthImportKind kind;
    int document; /* for a layout or docker archive: that file, in memory */
    int docker;   /* manifest.json of a layout that has one, in memory; -1: none */
    BerthImportMembers *members;
    const char *name;     /* for images without a name, or "" */
    char *const *command; /* for the image created from a root file system */
} BerthImportImagesRequest;

typedef struct BerthImportImages BerthImportImages;

/* found contains BerthImportedImages with their full names, whose documents are in the store. */
typedef void (*BerthImportFound)(GPtrArray *found, const GError *error, void *userdata);

BerthImportImages *berth_import_images_new(const BerthImportContext *context,
                                           const BerthImportImagesRequest *request,
                                           BerthImportFound done, void *userdata);
void berth_import_images_free(BerthImportImages *images);
/* Starts to determine the images; done is called once, when their documents have been stored. */
void berth_import_images_start(BerthImportImages *images);

/* import-documents.c; layers are BerthImportMembers. */
char *berth_import_format_manifest(const BerthImportMember *config, GPtrArray *layers);
char *berth_import_format_config(const BerthPlatform *platform, char *const *command,
                                 const char *diff_id);

/* import-check.c */
typedef struct BerthImportCheck BerthImportCheck;
typedef void (*BerthImportChecked)(const GError *error, void *userdata);

/* found still belongs to the caller, and must outlive the check. */
BerthImportCheck *berth_import_check_new(const BerthImportContext *context, GPtrArray *found,
                                         BerthImportChecked done, void *userdata);
void berth_import_check_free(BerthImportCheck *check);
void berth_import_check_start(BerthImportCheck *check);
