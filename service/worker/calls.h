/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The calls that berthd makes to its workers, one function per member of base/worker-members.h,
 * which describes the values. A call borrows its arguments: descriptors are duplicated into the
 * message, and strings are copied. The reply is read with worker/replies.h. A call that cannot be
 * made is also reported through reply, later and never before the function has returned.
 */

#pragma once

#include "base/secret.h"
#include "worker/worker.h"

/* berth-archive. */
void berth_call_archive_open(BerthWorker *worker, int archive, bool is_one_member,
                             BerthWorkerReply reply, void *userdata);
void berth_call_archive_next(BerthWorker *worker, BerthWorkerReply reply, void *userdata);
void berth_call_archive_extract(BerthWorker *worker, int output, uint64_t limit,
                                BerthWorkerReply reply, void *userdata);
void berth_call_archive_create(BerthWorker *worker, int archive, BerthWorkerReply reply,
                               void *userdata);
void berth_call_archive_add(BerthWorker *worker, const char *name, uint64_t size, int content,
                            BerthWorkerReply reply, void *userdata);
void berth_call_archive_finish(BerthWorker *worker, BerthWorkerReply reply, void *userdata);

/* berth-fetch. The arguments of Open and Configure are built from the service's settings: append
 * writes them, and sets the error if it returns a negative errno. */
typedef int (*BerthCallAppend)(sd_bus_message *call, void *userdata, GError **error);
void berth_call_fetch_open(BerthWorker *worker, BerthCallAppend append, BerthWorkerReply reply,
                           void *userdata);
/* Returns false with error set if append fails; no call was made in that case. */
bool berth_call_fetch_configure(BerthWorker *worker, BerthCallAppend append, BerthWorkerReply reply,
                                void *userdata, GError **error);
/* media_types may be NULL: any. */
void berth_call_fetch_resolve(BerthWorker *worker, char *const *media_types, bool with_get,
                              BerthWorkerReply reply, void *userdata);
void berth_call_fetch_resolve_object(BerthWorker *worker, const char *object,
                                     BerthWorkerReply reply, void *userdata);
void berth_call_fetch_referrers(BerthWorker *worker, const char *digest, int output,
                                BerthWorkerReply reply, void *userdata);
void berth_call_fetch_fetch(BerthWorker *worker, const BerthDescriptor *target, uint64_t offset,
                            int output, BerthWorkerReply reply, void *userdata);
void berth_call_fetch_sample(BerthWorker *worker, const char *digest, uint64_t offset,
                             uint32_t length, BerthWorkerReply reply, void *userdata);
void berth_call_fetch_push_blob(BerthWorker *worker, const BerthDescriptor *target,
                                char *const *sources, int content, BerthWorkerReply reply,
                                void *userdata);
void berth_call_fetch_push_manifest(BerthWorker *worker, const BerthDescriptor *target,
                                    bool is_named, int content, BerthWorkerReply reply,
                                    void *userdata);
void berth_call_fetch_authenticate(BerthWorker *worker, BerthWorkerReply reply, void *userdata);
void berth_call_fetch_search(BerthWorker *worker, bool tags, const char *term, uint32_t limit,
                             BerthWorkerReply reply, void *userdata);

/* berth-ingest. */
typedef struct {
    int input, file;
    int growth; /* pipe that receives a byte each time the file has grown; -1: none */
    const char *algorithm;
    uint64_t offset, limit;
} BerthIngestArguments;
void berth_call_ingest_ingest(BerthWorker *worker, const BerthIngestArguments *arguments,
                              BerthWorkerReply reply, void *userdata);
/* secrets contains BerthSecretRequests. */
void berth_call_ingest_gather(BerthWorker *worker, const GPtrArray *secrets, int file,
                              BerthWorkerReply reply, void *userdata);
void berth_call_ingest_hash(BerthWorker *worker, int file, const char *algorithm,
                            BerthWorkerReply reply, void *userdata);
/* directories contains descriptors. */
void berth_call_ingest_sync(BerthWorker *worker, const GArray *directories, BerthWorkerReply reply,
                            void *userdata);
void berth_call_ingest_sync_file_system(BerthWorker *worker, int directory, BerthWorkerReply reply,
                                        void *userdata);

/* berth-inspect. */
void berth_call_inspect_manifest(BerthWorker *worker, int blob, const char *media_type,
                                 BerthWorkerReply reply, void *userdata);
void berth_call_inspect_config(BerthWorker *worker, int blob, BerthWorkerReply reply,
                               void *userdata);
void berth_call_inspect_text(BerthWorker *worker, int blob, BerthWorkerReply reply, void *userdata);
typedef struct {
    const char *diff_id, *created, *author, *comment;
} BerthConfigAddition;
void berth_call_inspect_append_to_config(BerthWorker *worker, int config,
                                         const BerthConfigAddition *addition,
                                         BerthWorkerReply reply, void *userdata);
void berth_call_inspect_append_to_manifest(BerthWorker *worker, int manifest,
                                           const BerthDescriptor *config,
                                           const BerthDescriptor *layer, BerthWorkerReply reply,
                                           void *userdata);
void berth_call_inspect_signatures(BerthWorker *worker, int manifest, BerthWorkerReply reply,
                                   void *userdata);
void berth_call_inspect_layout(BerthWorker *worker, int index, BerthWorkerReply reply,
                               void *userdata);
void berth_call_inspect_docker_archive(BerthWorker *worker, int manifest, BerthWorkerReply reply,
                                       void *userdata);

/* berth-journal. */
typedef struct {
    int output; /* pipe */
    int end;    /* pipe (worker-members.h) */
    const char *unit;
    uint64_t since_usec, until_usec, lines;
    bool follow;
    bool messages;       /* only messages; otherwise entries, … */
    char *const *fields; /* … with these fields; empty or NULL: all */
} BerthJournalRead;
void berth_call_journal_read(BerthWorker *worker, const BerthJournalRead *arguments,
                             BerthWorkerReply reply, void *userdata);

/* berth-screen. */
void berth_call_screen_keep(BerthWorker *worker, uint64_t token, int master, int screen,
                            BerthWorkerReply reply, void *userdata);
void berth_call_screen_release(BerthWorker *worker, uint64_t token, BerthWorkerReply reply,
                               void *userdata);
void berth_call_screen_type(BerthWorker *worker, int master, uint8_t character,
                            BerthWorkerReply reply, void *userdata);
void berth_call_screen_ring(BerthWorker *worker, int bell, BerthWorkerReply reply, void *userdata);

/* berth-signature. */
typedef struct {
    int payload;
    const char *signature;
    char *const *keys;
    const char *digest, *repository; /* required in the signed payload */
} BerthSignatureArguments;
void berth_call_signature_verify(BerthWorker *worker, const BerthSignatureArguments *arguments,
                                 BerthWorkerReply reply, void *userdata);

/* berth-unpack. */
void berth_call_unpack_unpack(BerthWorker *worker, int content, const char *diff_id, uint64_t limit,
                              bool is_lowest, BerthWorkerReply reply, void *userdata);
/* growth: of berth_call_ingest_ingest(), whose file is content. If the file does not reach size
 * bytes, the error is BERTH_ERROR_SIZE_MISMATCH. */
void berth_call_unpack_unpack_growing(BerthWorker *worker, int content, int growth, uint64_t size,
                                      const char *diff_id, uint64_t limit, bool is_lowest,
                                      BerthWorkerReply reply, void *userdata);
void berth_call_unpack_settle(BerthWorker *worker, int lower, int content, BerthWorkerReply reply,
                              void *userdata);
void berth_call_unpack_settle_lowest(BerthWorker *worker, BerthWorkerReply reply, void *userdata);
void berth_call_unpack_empty(BerthWorker *worker, BerthWorkerReply reply, void *userdata);
void berth_call_unpack_measure(BerthWorker *worker, BerthWorkerReply reply, void *userdata);
void berth_call_unpack_pack(BerthWorker *worker, int output, BerthWorkerReply reply,
                            void *userdata);
void berth_call_unpack_apply(BerthWorker *worker, int content, uint64_t limit,
                             BerthWorkerReply reply, void *userdata);
