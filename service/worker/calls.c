/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berthd's side of the members in base/worker-members.h. A stub keeps no state: it fills one
 * message and passes it to the worker's object (worker.c), which owns the call until its reply. The
 * values of most calls are appended according to the signature in the table; the others, which
 * contain lists, are compared with it before they are sent (berth_worker_send).
 */

#include "worker/calls.h"

#include "base/limits.h"

#include <errno.h>
#include <stdarg.h>

/* The values follow userdata, as given by the signature of the member's call. */
static void call_member(BerthWorker *worker, BerthWorkerMember member, BerthWorkerReply reply,
                        void *userdata, ...) {
    sd_bus_message *call = berth_worker_new_call(worker, member);
    const char *signature = berth_worker_member_get_signature(member);
    va_list values;

    va_start(values, userdata);
    /* A call that could not be filled is freed here; berth_worker_send() reports the failure
     * through reply. */
    if (call && signature[0] && sd_bus_message_appendv(call, signature, values) < 0)
        call = sd_bus_message_unref(call);
    va_end(values);
    berth_worker_send(worker, member, call, reply, userdata);
}

/* Sends call if everything could be appended. */
static void send_appended(BerthWorker *worker, BerthWorkerMember member, sd_bus_message *call,
                          int r, BerthWorkerReply reply, void *userdata) {
    if (r < 0)
        call = sd_bus_message_unref(call);
    berth_worker_send(worker, member, call, reply, userdata);
}

void berth_call_archive_open(BerthWorker *worker, int archive, bool is_one_member,
                             BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_ARCHIVE_OPEN, reply, userdata, archive, (int)is_one_member);
}

void berth_call_archive_next(BerthWorker *worker, BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_ARCHIVE_NEXT, reply, userdata);
}

void berth_call_archive_extract(BerthWorker *worker, int output, uint64_t limit,
                                BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_ARCHIVE_EXTRACT, reply, userdata, output, limit);
}

void berth_call_archive_create(BerthWorker *worker, int archive, BerthWorkerReply reply,
                               void *userdata) {
    call_member(worker, BERTH_ARCHIVE_CREATE, reply, userdata, archive);
}

void berth_call_archive_add(BerthWorker *worker, const char *name, uint64_t size, int content,
                            BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_ARCHIVE_ADD, reply, userdata, name, size, content);
}

void berth_call_archive_finish(BerthWorker *worker, BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_ARCHIVE_FINISH, reply, userdata);
}

/* Without a call (the worker has died), there is nothing to append to; the failure is reported
 * through reply, as for all calls here. */
void berth_call_fetch_open(BerthWorker *worker, BerthCallAppend append, BerthWorkerReply reply,
                           void *userdata) {
    sd_bus_message *call = berth_worker_new_call(worker, BERTH_FETCH_OPEN);
    int r = call ? append(call, userdata, NULL) : 0;

    send_appended(worker, BERTH_FETCH_OPEN, call, r, reply, userdata);
}

bool berth_call_fetch_configure(BerthWorker *worker, BerthCallAppend append, BerthWorkerReply reply,
                                void *userdata, GError **error) {
    g_autoptr(sd_bus_message) call = berth_worker_new_call(worker, BERTH_FETCH_CONFIGURE);
    g_autoptr(GError) local = NULL;
    int r = call ? append(call, userdata, &local) : 0;

    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if (r < 0)
        return berth_error_set_errno(error, r, "configure berth-fetch");
    berth_worker_send(worker, BERTH_FETCH_CONFIGURE, g_steal_pointer(&call), reply, userdata);
    return true;
}

void berth_call_fetch_resolve(BerthWorker *worker, char *const *media_types, bool with_get,
                              BerthWorkerReply reply, void *userdata) {
    sd_bus_message *call = berth_worker_new_call(worker, BERTH_FETCH_RESOLVE);
    int r = call ? sd_bus_message_append_strv(call, (char **)media_types) : 0;

    if (call && r >= 0)
        r = sd_bus_message_append(call, "b", (int)with_get);
    send_appended(worker, BERTH_FETCH_RESOLVE, call, r, reply, userdata);
}

void berth_call_fetch_resolve_object(BerthWorker *worker, const char *object,
                                     BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_FETCH_RESOLVE_OBJECT, reply, userdata, object);
}

void berth_call_fetch_referrers(BerthWorker *worker, const char *digest, int output,
                                BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_FETCH_REFERRERS, reply, userdata, digest, output);
}

void berth_call_fetch_fetch(BerthWorker *worker, const BerthDescriptor *target, uint64_t offset,
                            int output, BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_FETCH_FETCH, reply, userdata, target->media_type, target->digest,
                target->size, offset, output);
}

void berth_call_fetch_sample(BerthWorker *worker, const char *digest, uint64_t offset,
                             uint32_t length, BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_FETCH_SAMPLE, reply, userdata, digest, offset, length);
}

void berth_call_fetch_push_blob(BerthWorker *worker, const BerthDescriptor *target,
                                char *const *sources, int content, BerthWorkerReply reply,
                                void *userdata) {
    sd_bus_message *call = berth_worker_new_call(worker, BERTH_FETCH_PUSH_BLOB);
    int r = 0;

    if (call && (r = berth_bus_append_descriptor(call, target)) >= 0 &&
        (r = sd_bus_message_append_strv(call, (char **)sources)) >= 0)
        r = sd_bus_message_append(call, "h", content);
    send_appended(worker, BERTH_FETCH_PUSH_BLOB, call, r, reply, userdata);
}

void berth_call_fetch_push_manifest(BerthWorker *worker, const BerthDescriptor *target,
                                    bool is_named, int content, BerthWorkerReply reply,
                                    void *userdata) {
    call_member(worker, BERTH_FETCH_PUSH_MANIFEST, reply, userdata, target->media_type,
                target->digest, target->size, (int)is_named, content);
}

void berth_call_fetch_authenticate(BerthWorker *worker, BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_FETCH_AUTHENTICATE, reply, userdata);
}

void berth_call_fetch_search(BerthWorker *worker, bool tags, const char *term, uint32_t limit,
                             BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_FETCH_SEARCH, reply, userdata, (int)tags, term, limit);
}

/* A message cannot leave out a descriptor, hence the second member for a call with growth. */
void berth_call_ingest_ingest(BerthWorker *worker, const BerthIngestArguments *arguments,
                              BerthWorkerReply reply, void *userdata) {
    if (arguments->growth < 0)
        call_member(worker, BERTH_INGEST_INGEST, reply, userdata, arguments->input, arguments->file,
                    arguments->algorithm, arguments->offset, arguments->limit);
    else
        call_member(worker, BERTH_INGEST_INGEST_ANNOUNCING, reply, userdata, arguments->input,
                    arguments->file, arguments->algorithm, arguments->offset, arguments->limit,
                    arguments->growth);
}

/* The limits are part of the call, so that the worker stops reading a client's descriptor in
 * time. */
void berth_call_ingest_gather(BerthWorker *worker, const GPtrArray *secrets, int file,
                              BerthWorkerReply reply, void *userdata) {
    sd_bus_message *call = berth_worker_new_call(worker, BERTH_INGEST_GATHER);
    int r = call ? sd_bus_message_open_container(call, 'a', "(sh)") : 0;

    for (guint i = 0; call && r >= 0 && i < secrets->len; i++) {
        const BerthSecretRequest *secret = secrets->pdata[i];
        r = sd_bus_message_append(call, "(sh)", secret->name, secret->fd);
    }
    if (call && r >= 0 && (r = sd_bus_message_close_container(call)) >= 0)
        r = sd_bus_message_append(call, "htt", file, (uint64_t)BERTH_MAX_SECRET_BYTES,
                                  (uint64_t)BERTH_MAX_SECRETS_BYTES);
    send_appended(worker, BERTH_INGEST_GATHER, call, r, reply, userdata);
}

void berth_call_ingest_hash(BerthWorker *worker, int file, const char *algorithm,
                            BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_INGEST_HASH, reply, userdata, file, algorithm);
}

void berth_call_ingest_sync(BerthWorker *worker, const GArray *directories, BerthWorkerReply reply,
                            void *userdata) {
    sd_bus_message *call = berth_worker_new_call(worker, BERTH_INGEST_SYNC);
    int r = call ? sd_bus_message_open_container(call, 'a', "h") : 0;

    for (guint i = 0; call && r >= 0 && i < directories->len; i++)
        r = sd_bus_message_append(call, "h", g_array_index(directories, int, i));
    if (call && r >= 0)
        r = sd_bus_message_close_container(call);
    send_appended(worker, BERTH_INGEST_SYNC, call, r, reply, userdata);
}

void berth_call_ingest_sync_file_system(BerthWorker *worker, int directory, BerthWorkerReply reply,
                                        void *userdata) {
    call_member(worker, BERTH_INGEST_SYNC_FILE_SYSTEM, reply, userdata, directory);
}

void berth_call_inspect_manifest(BerthWorker *worker, int blob, const char *media_type,
                                 BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_INSPECT_MANIFEST, reply, userdata, blob, media_type);
}

void berth_call_inspect_config(BerthWorker *worker, int blob, BerthWorkerReply reply,
                               void *userdata) {
    call_member(worker, BERTH_INSPECT_CONFIG, reply, userdata, blob);
}

void berth_call_inspect_text(BerthWorker *worker, int blob, BerthWorkerReply reply,
                             void *userdata) {
    call_member(worker, BERTH_INSPECT_TEXT, reply, userdata, blob);
}

void berth_call_inspect_append_to_config(BerthWorker *worker, int config,
                                         const BerthConfigAddition *addition,
                                         BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_INSPECT_APPEND_TO_CONFIG, reply, userdata, config, addition->diff_id,
                addition->created, addition->author, addition->comment);
}

void berth_call_inspect_append_to_manifest(BerthWorker *worker, int manifest,
                                           const BerthDescriptor *config,
                                           const BerthDescriptor *layer, BerthWorkerReply reply,
                                           void *userdata) {
    call_member(worker, BERTH_INSPECT_APPEND_TO_MANIFEST, reply, userdata, manifest,
                config->media_type, config->digest, config->size, layer->media_type, layer->digest,
                layer->size);
}

void berth_call_inspect_signatures(BerthWorker *worker, int manifest, BerthWorkerReply reply,
                                   void *userdata) {
    call_member(worker, BERTH_INSPECT_SIGNATURES, reply, userdata, manifest);
}

void berth_call_inspect_layout(BerthWorker *worker, int index, BerthWorkerReply reply,
                               void *userdata) {
    call_member(worker, BERTH_INSPECT_LAYOUT, reply, userdata, index);
}

void berth_call_inspect_docker_archive(BerthWorker *worker, int manifest, BerthWorkerReply reply,
                                       void *userdata) {
    call_member(worker, BERTH_INSPECT_DOCKER_ARCHIVE, reply, userdata, manifest);
}

void berth_call_journal_read(BerthWorker *worker, const BerthJournalRead *arguments,
                             BerthWorkerReply reply, void *userdata) {
    sd_bus_message *call = berth_worker_new_call(worker, BERTH_JOURNAL_READ);
    int r = call ? sd_bus_message_append(call, "hhstttbb", arguments->output, arguments->end,
                                         arguments->unit, arguments->since_usec,
                                         arguments->until_usec, arguments->lines,
                                         (int)arguments->follow, (int)arguments->messages)
                 : -ENOMEM;

    if (r >= 0)
        r = sd_bus_message_append_strv(call, (char **)arguments->fields);
    send_appended(worker, BERTH_JOURNAL_READ, call, r, reply, userdata);
}

void berth_call_screen_keep(BerthWorker *worker, uint64_t token, int master, int screen,
                            BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_SCREEN_KEEP, reply, userdata, token, master, screen);
}

void berth_call_screen_release(BerthWorker *worker, uint64_t token, BerthWorkerReply reply,
                               void *userdata) {
    call_member(worker, BERTH_SCREEN_RELEASE, reply, userdata, token);
}

void berth_call_screen_type(BerthWorker *worker, int master, uint8_t character,
                            BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_SCREEN_TYPE, reply, userdata, master, (int)character);
}

void berth_call_screen_ring(BerthWorker *worker, int bell, BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_SCREEN_RING, reply, userdata, bell);
}

void berth_call_signature_verify(BerthWorker *worker, const BerthSignatureArguments *arguments,
                                 BerthWorkerReply reply, void *userdata) {
    sd_bus_message *call = berth_worker_new_call(worker, BERTH_SIGNATURE_VERIFY);
    int r = 0;

    if (call &&
        (r = sd_bus_message_append(call, "hs", arguments->payload, arguments->signature)) >= 0 &&
        (r = sd_bus_message_append_strv(call, (char **)arguments->keys)) >= 0)
        r = sd_bus_message_append(call, "ss", arguments->digest, arguments->repository);
    send_appended(worker, BERTH_SIGNATURE_VERIFY, call, r, reply, userdata);
}

void berth_call_unpack_unpack(BerthWorker *worker, int content, const char *diff_id, uint64_t limit,
                              bool is_lowest, BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_UNPACK_UNPACK, reply, userdata, content, diff_id, limit,
                (int)is_lowest);
}

void berth_call_unpack_unpack_growing(BerthWorker *worker, int content, int growth, uint64_t size,
                                      const char *diff_id, uint64_t limit, bool is_lowest,
                                      BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_UNPACK_UNPACK_GROWING, reply, userdata, content, growth, size,
                diff_id, limit, (int)is_lowest);
}

void berth_call_unpack_settle(BerthWorker *worker, int lower, int content, BerthWorkerReply reply,
                              void *userdata) {
    call_member(worker, BERTH_UNPACK_SETTLE, reply, userdata, lower, content);
}

void berth_call_unpack_settle_lowest(BerthWorker *worker, BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_UNPACK_SETTLE_LOWEST, reply, userdata);
}

void berth_call_unpack_empty(BerthWorker *worker, BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_UNPACK_EMPTY, reply, userdata);
}

void berth_call_unpack_measure(BerthWorker *worker, BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_UNPACK_MEASURE, reply, userdata);
}

void berth_call_unpack_pack(BerthWorker *worker, int output, BerthWorkerReply reply,
                            void *userdata) {
    call_member(worker, BERTH_UNPACK_PACK, reply, userdata, output);
}

void berth_call_unpack_apply(BerthWorker *worker, int content, uint64_t limit,
                             BerthWorkerReply reply, void *userdata) {
    call_member(worker, BERTH_UNPACK_APPLY, reply, userdata, content, limit);
}
