/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The content store: an OCI image layout (image-layout.md) whose blobs are complete, verified and
 * synced, and the ingests that become blobs. The file system determines which blobs exist; berth.db
 * adds labels, media types, sources and the purpose of each ingest.
 */

#pragma once

#include "base/digest.h"
#include "store/database.h"

typedef struct BerthContentStore BerthContentStore;

typedef struct {
    char *digest;
    uint64_t size;
    uint64_t committed_usec;
} BerthBlob;

/*
 * An ingest's key consists of its owner, its purpose and its reference, so that ingests of
 * different users, or of a user and a transfer, never collide. All functions below take the key.
 */
typedef enum { BERTH_INGEST_OF_CLIENT, BERTH_INGEST_OF_TRANSFER } BerthIngestPurpose;
char *berth_ingest_key_new(uint32_t owner, BerthIngestPurpose purpose, const char *ref);
const char *berth_ingest_key_get_ref(const char *key);
/* The reference of a transfer's ingest that a later transfer can resume, followed by the digest.
 * All others are of use only to the instance of the service that began them. */
#define BERTH_INGEST_OF_BLOB "blob "
bool berth_ingest_key_is_lasting(const char *key);

typedef struct {
    char *key;
    char *ref;       /* the part of the key chosen by the owner */
    uint64_t offset; /* bytes received */
    uint64_t total;  /* bytes expected; 0: unknown */
    uint64_t started_usec, updated_usec;
    uint32_t owner; /* uid */
    char *expected; /* expected digest, or "" */
    char *lease;    /* lease that will hold the blob, or "" */
} BerthIngestInfo;

/* directory is a descriptor of the state directory, which still belongs to the caller. Creates
 * missing directories, and removes ingests that a crash has left incomplete. */
BerthContentStore *berth_content_store_open(int directory, BerthDatabase *database, GError **error);
void berth_content_store_free(BerthContentStore *store);

/* Blobs. */
bool berth_content_store_has(BerthContentStore *store, const char *digest);
/* These fail with NotFound if there is no such blob, and with the error of berth_digest_parse if
 * digest is invalid. */
bool berth_content_store_info(BerthContentStore *store, const char *digest, BerthBlob *blob,
                              GError **error);
/* Opens a blob for reading. Returns a close-on-exec descriptor, or -1 with error set. */
int berth_content_store_open_blob(BerthContentStore *store, const char *digest, GError **error);
/* Deletes a blob, but not its labels. */
bool berth_content_store_unlink(BerthContentStore *store, const char *digest, GError **error);
/* Returns BerthBlobs, in no particular order. */
GPtrArray *berth_content_store_list(BerthContentStore *store, GError **error);
/* Returns the directories that have blobs; the descriptors (int) belong to the store. */
GArray *berth_content_store_list_directories(BerthContentStore *store);

/* A blob's media type, as given by the descriptors that refer to it; "" if unknown. The caller
 * frees it. */
bool berth_content_store_set_type(BerthContentStore *store, const char *digest,
                                  const char *media_type, GError **error);
char *berth_content_store_get_type(BerthContentStore *store, const char *digest);

/* Moves a blob out of the store into the directory with this descriptor. */
bool berth_content_store_move(BerthContentStore *store, const char *digest, int directory,
                              GError **error);
/* Returns the directory content/, for files other than blobs; the descriptor belongs to the
 * store. */
int berth_content_store_get_root(BerthContentStore *store);

/* The repositories known to have a blob ("docker.io/library/redis"): it can be fetched from them
 * again, and a push can mount it from them. Each belongs to the user whose transfer has found it.
 */
bool berth_content_store_add_source(BerthContentStore *store, const char *digest,
                                    const char *locator, uint32_t owner, GError **error);
/* Whether any user's transfer has found it there. */
bool berth_content_store_has_source(BerthContentStore *store, const char *digest,
                                    const char *locator);
/* Returns the repositories that this user may know of: the user's own first, then that of the image
 * with this name (or NULL), and for root those of all users. The caller frees the list, which is
 * limited in number. */
char **berth_content_store_get_sources(BerthContentStore *store, const char *digest, uint32_t owner,
                                       const char *name);

/* Ingests. */
/* Fails with LimitExceeded if owner may not store this many more bytes; the ingest of key is not
 * counted. *left is set to the size up to which that ingest may grow. */
bool berth_content_store_check_disk(BerthContentStore *store, const char *key, uint32_t owner,
                                    uint64_t more, uint64_t *left, GError **error);
/* Opens the ingest of key, creating it if needed. The descriptor, for reading and writing, must
 * only be passed to berth-ingest. If total differs from an earlier one, the error is
 * FailedPrecondition. The caller ensures that there is only one writer per key. */
int berth_content_store_begin(BerthContentStore *store, const char *key, uint64_t total,
                              uint32_t owner, uint64_t *offset, GError **error);
/* Opens the file of an ingest for reading, while berth-ingest writes it; -1 if that fails. */
int berth_content_store_open_ingest(BerthContentStore *store, const char *key);
/* Records for the commit which digest the ingest must have and which lease will hold the blob; ""
 * for none. Replaces earlier values. */
bool berth_content_store_intend(BerthContentStore *store, const char *key, const char *expected,
                                const char *lease, GError **error);
/* Fails with NotFound if there is no such ingest. The caller clears *info. */
bool berth_content_store_status(BerthContentStore *store, const char *key, BerthIngestInfo *info,
                                GError **error);
/* Returns the key of owner's ingest ref, begun by a client or by a transfer; NotFound if there is
 * none. The caller frees it. */
char *berth_content_store_find_ingest(BerthContentStore *store, uint32_t owner, const char *ref,
                                      GError **error);
/* Returns BerthIngestInfos of all users, the oldest first. */
GPtrArray *berth_content_store_list_ingests(BerthContentStore *store, GError **error);
/* Removes the ingest; succeeds if there is none. */
bool berth_content_store_abort(BerthContentStore *store, const char *key, GError **error);
/* Turns the ingest's file, which berth-ingest has hashed and synced, into the blob with this
 * digest. If that blob already exists, the ingest is removed and the error is AlreadyExists. */
bool berth_content_store_commit(BerthContentStore *store, const char *key, const char *digest,
                                GError **error);

void berth_blob_clear(BerthBlob *blob);
void berth_ingest_info_clear(BerthIngestInfo *info);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthBlob, berth_blob_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthIngestInfo, berth_ingest_info_clear)
