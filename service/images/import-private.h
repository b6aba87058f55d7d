/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files of an import share: import.c reads the archive, import-blob.c brings one member
 * into the store, import-images.c finds out what images there are and names them. */

#pragma once

#include "images/closure.h"
#include "images/import.h"
#include "store/lease-store.h"

typedef struct BerthImport BerthImport;

typedef struct {
    char *digest; /* NULL for a link */
    uint64_t size;
    char *target; /* another member's name */
} BerthImportMember;

typedef enum { IMPORT_LAYOUT, IMPORT_DOCKER, IMPORT_DOCUMENTS } BerthImportDocument;

struct BerthImport {
    BerthOperation *operation;
    BerthImages *images;
    BerthTransfer *transfer;
    char *name;
    BerthLease *lease; /* as it was found; NULL for none */
    char **command;
    BerthPlatform *platform;
    bool rootfs;
    BerthWorker *archive, *ingest, *inspect;
    GHashTable *members;             /* name → BerthImportMember */
    int documents[IMPORT_DOCUMENTS]; /* files in memory, or -1 */
    BerthPins *pins;
    BerthTransferItem *item; /* what has been read of the archive */
    unsigned odd_members;    /* that are not named like parts of an image */

    /* The member that is being brought into the store. */
    char *member, *key, *expected;
    bool claimed, waiting;
    int file;
    unsigned answers; /* of the two workers */
    char *digest;
    uint64_t size;
    GError *archive_error, *ingest_error;

    GPtrArray *docker; /* of DockerImage, import-images.c's */
    guint next;        /* of those, or of found */
    GPtrArray *found;  /* of BerthImportedImage */
    BerthClosure *closure;
    BerthNameAsker *asker;
    BerthTextStoring *storing; /* a document that is written here */
};

/* Whichever comes first ends the import, from the loop. NULL: it has succeeded. */
void berth_import_end(BerthImport *import, const GError *error);

/* "./a//b" and "a/b" are one name of a member; "" for a name with "..", which no document of an
 * archive has. Caller frees. */
char *berth_import_normalize(const char *name);

/* Reads the next member. */
void berth_import_next(BerthImport *import);

/* Brings the present member into the store, as expected (NULL: as what it turns out to be), then
 * reads on. */
void berth_import_blob(BerthImport *import, const char *member, const char *expected);
/* Lets go of one that is under way. */
void berth_import_blob_abandon(BerthImport *import);

/* The archive has brought it. Nothing collects it while the import runs; the lease keeps it after.
 */
void berth_import_pin(BerthImport *import, const char *digest);

/* All members are read: what is there is put together, checked and named. */
void berth_import_name_images(BerthImport *import);
void berth_import_docker_free(gpointer image);
