/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The content store: an OCI image layout whose blobs are complete, verified and synced, and the
 * ingests that become blobs. The file system is the record of what blobs there are; berth.db adds
 * labels and what an ingest is for.
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
 * Whose an ingest is and what for: nobody's ingest is in another's way. The text of these three,
 * which berth_ingest_key_new makes, is the key of an ingest; everything below takes that.
 */
typedef enum { BERTH_INGEST_OF_CLIENT, BERTH_INGEST_OF_TRANSFER } BerthIngestPurpose;
char *berth_ingest_key_new(uint32_t owner, BerthIngestPurpose purpose, const char *ref);

typedef struct {
    char *key;
    char *ref;       /* the part of the key that its owner knows it by */
    uint64_t offset; /* bytes that are there */
    uint64_t total;  /* expected; 0 where it is not known */
    uint64_t started_usec, updated_usec;
    uint32_t owner; /* uid */
    char *expected; /* digest, or "" */
    char *lease;    /* that is to keep the result, or "" */
} BerthIngestInfo;

/* directory is the state directory; missing parts are made, half-made ones of a crash removed. */
BerthContentStore *berth_content_store_open(int directory, BerthDatabase *database, GError **error);
void berth_content_store_free(BerthContentStore *store);

/* Blobs. */
bool berth_content_store_has(BerthContentStore *store, const char *digest);
bool berth_content_store_info(BerthContentStore *store, const char *digest, BerthBlob *blob,
                              GError **error);
int berth_content_store_open_blob(BerthContentStore *store, const char *digest, GError **error);
bool berth_content_store_delete(BerthContentStore *store, const char *digest, GError **error);
/* Of BerthBlob, in no order. */
GPtrArray *berth_content_store_list(BerthContentStore *store, GError **error);
/* The directory that holds blobs of the digest's algorithm; the store's descriptor. */
int berth_content_store_get_directory(BerthContentStore *store, const char *digest);

/* What a blob is, as those who refer to it say; "" where nobody did. Caller frees. */
bool berth_content_store_set_type(BerthContentStore *store, const char *digest,
                                  const char *media_type, GError **error);
char *berth_content_store_get_type(BerthContentStore *store, const char *digest);

/* Moves a blob into a directory (a descriptor), where it is none any more. */
bool berth_content_store_move(BerthContentStore *store, const char *digest, int directory,
                              GError **error);
/* content/, for what lies beside the blobs. */
int berth_content_store_get_root(BerthContentStore *store);

/* Repositories that a blob was seen in ("docker.io/library/redis"): where it can be had again, and
 * mounted from when it is pushed. */
bool berth_content_store_add_source(BerthContentStore *store, const char *digest,
                                    const char *locator, GError **error);
bool berth_content_store_has_source(BerthContentStore *store, const char *digest,
                                    const char *locator);
char **berth_content_store_get_sources(BerthContentStore *store, const char *digest);

/* Ingests. Opens the ingest of key, making it where there is none; the descriptor is for reading
 * and writing and goes to berth-ingest only. A total that differs from an earlier one is
 * FailedPrecondition. One writer a key is the caller's business. */
/* LimitExceeded where owner may not have so many bytes more on disk, beside the ingest of key;
 * left: what that may become. */
bool berth_content_store_check_disk(BerthContentStore *store, const char *key, uint32_t owner,
                                    uint64_t more, uint64_t *left, GError **error);
int berth_content_store_begin(BerthContentStore *store, const char *key, uint64_t total,
                              uint32_t owner, uint64_t *offset, GError **error);
/* What the ingest is to become and which lease is to keep that, for whoever commits it; "" for
 * none. Replaces what was said before. */
bool berth_content_store_intend(BerthContentStore *store, const char *key, const char *expected,
                                const char *lease, GError **error);
bool berth_content_store_status(BerthContentStore *store, const char *key, BerthIngestInfo *info,
                                GError **error);
/* The key of an ingest that owner knows as ref, of its own or of a transfer; NotFound. */
char *berth_content_store_find_ingest(BerthContentStore *store, uint32_t owner, const char *ref,
                                      GError **error);
GPtrArray *berth_content_store_list_ingests(BerthContentStore *store, GError **error);
/* Removes what was ingested; of nothing is fine. */
bool berth_content_store_abort(BerthContentStore *store, const char *key, GError **error);
/* Makes the ingest's file, which berth-ingest has hashed and synced, the blob digest. Where that is
 * here already, the ingest is gone and the error is AlreadyExists. */
bool berth_content_store_commit(BerthContentStore *store, const char *key, const char *digest,
                                GError **error);

void berth_blob_clear(BerthBlob *blob);
void berth_ingest_info_clear(BerthIngestInfo *info);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthBlob, berth_blob_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthIngestInfo, berth_ingest_info_clear)
