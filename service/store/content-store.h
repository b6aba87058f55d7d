/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The content store: an OCI image layout (image-layout.md) whose blobs are complete, verified and
 * synced, and the ingests that become blobs. The file system says which blobs exist; berth.db adds
 * labels, media types, sources and the purpose of each ingest.
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

typedef struct {
    char *key;
    char *ref;       /* the part of the key that the owner chose */
    uint64_t offset; /* bytes received */
    uint64_t total;  /* bytes expected; 0 if unknown */
    uint64_t started_usec, updated_usec;
    uint32_t owner; /* uid */
    char *expected; /* digest, or "" */
    char *lease;    /* which will hold the blob, or "" */
} BerthIngestInfo;

/* directory is the state directory, which stays the caller's. Creates missing directories and
 * removes ingests that a crash has left incomplete. */
BerthContentStore *berth_content_store_open(int directory, BerthDatabase *database, GError **error);
void berth_content_store_free(BerthContentStore *store);

/* Blobs. */
bool berth_content_store_has(BerthContentStore *store, const char *digest);
bool berth_content_store_info(BerthContentStore *store, const char *digest, BerthBlob *blob,
                              GError **error);
int berth_content_store_open_blob(BerthContentStore *store, const char *digest, GError **error);
bool berth_content_store_delete(BerthContentStore *store, const char *digest, GError **error);
/* BerthBlob, in no particular order. */
GPtrArray *berth_content_store_list(BerthContentStore *store, GError **error);
/* The directory of the digest's algorithm; the descriptor belongs to the store. */
int berth_content_store_get_directory(BerthContentStore *store, const char *digest);

/* A blob's media type, as the descriptors that refer to it give it; "" if unknown. Caller frees. */
bool berth_content_store_set_type(BerthContentStore *store, const char *digest,
                                  const char *media_type, GError **error);
char *berth_content_store_get_type(BerthContentStore *store, const char *digest);

/* Moves a blob out of the store into a directory (a descriptor). */
bool berth_content_store_move(BerthContentStore *store, const char *digest, int directory,
                              GError **error);
/* The directory content/, for files beside the blobs; the descriptor belongs to the store. */
int berth_content_store_get_root(BerthContentStore *store);

/* Repositories known to have a blob ("docker.io/library/redis"): it can be fetched again from them,
 * and mounted from them by a push. */
bool berth_content_store_add_source(BerthContentStore *store, const char *digest,
                                    const char *locator, GError **error);
bool berth_content_store_has_source(BerthContentStore *store, const char *digest,
                                    const char *locator);
char **berth_content_store_get_sources(BerthContentStore *store, const char *digest);

/* Ingests. */
/* LimitExceeded if owner may not store more bytes in addition to the ingest of key; *left receives
 * the size to which that may grow. */
bool berth_content_store_check_disk(BerthContentStore *store, const char *key, uint32_t owner,
                                    uint64_t more, uint64_t *left, GError **error);
/* Opens the ingest of key, creating it if needed. The descriptor, for reading and writing, goes to
 * berth-ingest only. A total that differs from an earlier one is FailedPrecondition. The caller
 * ensures one writer a key. */
int berth_content_store_begin(BerthContentStore *store, const char *key, uint64_t total,
                              uint32_t owner, uint64_t *offset, GError **error);
/* Records the digest that the ingest must have and the lease that will hold the blob, for the
 * commit; "" for none. Replaces earlier values. */
bool berth_content_store_intend(BerthContentStore *store, const char *key, const char *expected,
                                const char *lease, GError **error);
bool berth_content_store_status(BerthContentStore *store, const char *key, BerthIngestInfo *info,
                                GError **error);
/* The key of owner's ingest ref, begun by a client or by a transfer; NotFound. Caller frees. */
char *berth_content_store_find_ingest(BerthContentStore *store, uint32_t owner, const char *ref,
                                      GError **error);
GPtrArray *berth_content_store_list_ingests(BerthContentStore *store, GError **error);
/* Removes the ingest; succeeds if there is none. */
bool berth_content_store_abort(BerthContentStore *store, const char *key, GError **error);
/* Turns the ingest's file, which berth-ingest has hashed and synced, into the blob digest. If that
 * blob exists, the ingest is removed and the error is AlreadyExists. */
bool berth_content_store_commit(BerthContentStore *store, const char *key, const char *digest,
                                GError **error);

void berth_blob_clear(BerthBlob *blob);
void berth_ingest_info_clear(BerthIngestInfo *info);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthBlob, berth_blob_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthIngestInfo, berth_ingest_info_clear)
