/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ingests of clients. Ingest gives the client a pipe and opens a session, in which berth-ingest
 * hashes and stores the data written into it; Commit waits for berth-ingest's reply, compares the
 * digest, and commits. The session ends with that reply or with the commit, whichever is later. The
 * data remains; a Commit after the end opens a new session, which hashes the file again. Sessions
 * are owned by the table of BerthContents; each holds the service through an operation of its own.
 */

#include "base/fd.h"
#include "base/names.h"
#include "base/operation.h"
#include "contents/claim.h"
#include "contents/contents-private.h"
#include "store/lease-store.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

typedef struct {
    BerthContents *contents;
    BerthOperation *operation;
    BerthClaim *claim; /* of key */
    char *key;
    char *ref; /* name given by its owner */
    uint32_t owner;
    const char *algorithm;
    BerthCharge *charge;
    BerthWorker *worker; /* NULL after it has answered */
    char *digest;        /* the worker's answer */
    uint64_t size;
    GError *error;
    /* The callback of a Commit that waits for the worker; NULL: none. */
    BerthCommitted done;
    void *userdata;
    uint64_t wanted_size;
    char *wanted_digest;
} IngestSession;

static void ingest_session_free(gpointer data) {
    IngestSession *session = data;

    berth_operation_abandon(session->operation);
    berth_worker_free(session->worker);
    berth_claim_free(session->claim);
    g_free(session->key);
    berth_charge_free(session->charge);
    g_free(session->ref);
    g_free(session->digest);
    g_free(session->wanted_digest);
    g_clear_error(&session->error);
    g_free(session);
}

static IngestSession *ingest_session_find(BerthContents *contents, const char *key) {
    return contents->sessions ? g_hash_table_lookup(contents->sessions, key) : NULL;
}

/* Frees the session. Its claim is released as well, so that the key is free for the next one. */
static void ingest_session_end(IngestSession *session) {
    g_hash_table_remove(session->contents->sessions, session->key);
}

static bool ingest_session_check(IngestSession *session, const BerthIngestInfo *info,
                                 GError **error) {
    const char *expected = session->wanted_digest[0] ? session->wanted_digest : info->expected;

    if (session->error) {
        g_propagate_error(error, g_error_copy(session->error));
        return false;
    }
    if (session->wanted_size > 0 && session->size != session->wanted_size)
        return berth_error_set(error, BERTH_ERROR_SIZE_MISMATCH,
                               "the ingest \"%s\" has %" G_GUINT64_FORMAT
                               " bytes, not the expected %" G_GUINT64_FORMAT,
                               session->ref, session->size, session->wanted_size);
    if (expected[0] && !g_str_equal(expected, session->digest))
        return berth_error_set(error, BERTH_ERROR_DIGEST_MISMATCH,
                               "the ingest \"%s\" has the digest %s, not the expected %s",
                               session->ref, session->digest, expected);
    return true;
}

/* Another user may already have brought the same content. This is not disclosed: for an owner who
 * does not hold it, the commit succeeds as if the content had been new. */
static bool ingest_session_commit(IngestSession *session, GError **error) {
    BerthContents *contents = session->contents;
    bool held = berth_provenance_may_name(contents->database, session->owner, session->digest);
    g_autoptr(GError) local = NULL;

    if (!berth_contents_commit(contents, session->key, session->digest, &local) &&
        (held || local->code != BERTH_ERROR_ALREADY_EXISTS)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    return berth_provenance_hold(contents->database, session->owner, session->digest, error);
}

/* The ID in the ingest still means the lease that it was given for: deleting a lease also clears
 * the ID in the ingests that refer to it (store/lease-store.c). An ingest may outlive its lease. */
static bool ingest_session_add_to_lease(IngestSession *session, const char *id, GError **error) {
    BerthDatabase *database = session->contents->database;
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthLease) lease = id[0] ? berth_lease_store_get(database, id, &local) : NULL;

    if (lease)
        return berth_lease_store_add(database, lease, session->digest, error);
    if (!local || local->code == BERTH_ERROR_NOT_FOUND)
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* Called when the worker has answered and Commit has been called. */
static void ingest_session_finish_commit(IngestSession *session) {
    g_auto(BerthIngestInfo) info = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *digest = g_strdup(session->digest);
    BerthCommitted done = session->done;
    void *userdata = session->userdata;
    BerthContents *contents = session->contents;

    bool good = berth_content_store_status(contents->store, session->key, &info, &error) &&
                ingest_session_check(session, &info, &error) &&
                berth_contents_check_ingest(contents, session->key, digest, &error) &&
                /* The content is added to the lease first: no collection can remove the blob
                 * between the commit and this. */
                ingest_session_add_to_lease(session, info.lease, &error) &&
                ingest_session_commit(session, &error);
    /* Content with a wrong digest cannot be corrected by resuming it: the next attempt starts at
     * 0. */
    if (!good && error->code == BERTH_ERROR_DIGEST_MISMATCH)
        berth_content_store_abort(contents->store, session->key, NULL);
    ingest_session_end(session);
    done(good ? digest : NULL, error, userdata);
}

static void ingest_session_on_ingested(sd_bus_message *reply, const GError *error, void *userdata) {
    IngestSession *session = userdata;
    const char *digest;

    if (error)
        session->error = g_error_copy(error);
    else if (berth_reply_read_ingested(reply, session->algorithm, INT64_MAX, &digest,
                                       &session->size, &session->error))
        session->digest = g_strdup(digest);
    g_clear_pointer(&session->worker, berth_worker_free);
    if (session->done)
        ingest_session_finish_commit(session);
    else
        /* No Commit is waiting. The client may resume the ingest; the data remains. */
        ingest_session_end(session);
}

/* limit is the largest size of the ingest; beyond it, the worker fails. */
static bool ingest_session_start_worker(IngestSession *session, uint64_t limit, int input, int file,
                                        uint64_t offset, const char *algorithm, GError **error) {
    session->worker = berth_worker_new(session->contents->event, "ingest", -1, error);
    if (!session->worker)
        return false;
    const BerthIngestArguments arguments = {input, file, -1, algorithm, offset, limit};
    berth_call_ingest_ingest(session->worker, &arguments, ingest_session_on_ingested, session);
    return true;
}

/* The algorithm is that of the expected digest; SHA-256 if there is none. */
static bool ingest_find_algorithm(const char *expected, const char **name, GError **error) {
    BerthAlgorithm algorithm = BERTH_ALGORITHM_SHA256;

    if (expected[0] && !berth_digest_parse(expected, &algorithm, error))
        return false;
    *name = berth_algorithm_get_name(algorithm);
    return true;
}

/* An ingest that already exists is not counted again. */
static bool ingest_check_count(BerthContents *contents, const BerthIngestRequest *request,
                               GError **error) {
    g_autoptr(GPtrArray) ingests = berth_content_store_list_ingests(contents->store, error);
    uint64_t count = 0;

    for (guint i = 0; ingests && i < ingests->len; i++) {
        const BerthIngestInfo *info = ingests->pdata[i];
        if (info->owner != request->owner)
            continue;
        if (g_str_equal(info->ref, request->ref))
            return true;
        count++;
    }
    return ingests && berth_charge_check(request->owner, BERTH_RESOURCE_INGESTS, count, 1, error);
}

/* Everything that can be refused is checked before the claim is taken. After that,
 * ingest_session_end undoes everything: the table frees the session, and with it the claim, the
 * charge and the operation. */
static IngestSession *ingest_session_open(BerthContents *contents,
                                          const BerthIngestRequest *request, const char *key,
                                          int input, uint64_t *offset, GError **error) {
    static const BerthOperationType type = {0};
    g_autoptr(BerthCharge) charge = NULL;
    const char *algorithm;
    uint64_t limit;

    if (!ingest_find_algorithm(request->expected, &algorithm, error) ||
        !ingest_check_count(contents, request, error) ||
        !(charge = berth_charge_new(request->owner, BERTH_RESOURCE_WRITES, 1, error)))
        return NULL;
    g_autoptr(BerthClaim) claim = berth_claim_new(contents, key, NULL, NULL);
    if (!berth_claim_take(claim)) {
        berth_error_set(error, BERTH_ERROR_BUSY, "\"%s\" is being written already", request->ref);
        return NULL;
    }
    IngestSession *session = g_new0(IngestSession, 1);
    session->operation = berth_operation_new(contents->event, &type, session);
    session->charge = g_steal_pointer(&charge);
    session->contents = contents;
    session->claim = g_steal_pointer(&claim);
    session->key = g_strdup(key);
    session->ref = g_strdup(request->ref);
    session->owner = request->owner;
    session->algorithm = algorithm;
    if (!contents->sessions)
        contents->sessions =
            g_hash_table_new_full(g_str_hash, g_str_equal, NULL, ingest_session_free);
    g_hash_table_insert(contents->sessions, session->key, session);
    berth_autofd int file = berth_content_store_begin(contents->store, key, request->total,
                                                      request->owner, offset, error);
    if (file >= 0 &&
        berth_content_store_check_disk(contents->store, key, request->owner, 0, &limit, error) &&
        ingest_session_start_worker(session, limit, input, file, *offset, algorithm, error))
        return session;
    ingest_session_end(session);
    return NULL;
}

bool berth_contents_ingest(BerthContents *contents, const BerthIngestRequest *request, int *pipe,
                           uint64_t *offset, GError **error) {
    const char *expected = request->expected;
    g_autofree char *key =
        berth_ingest_key_new(request->owner, BERTH_INGEST_OF_CLIENT, request->ref);
    g_autoptr(BerthLease) lease = NULL;
    int ends[2];

    if (!berth_name_check_ingest(request->ref, error))
        return false;
    if (request->lease[0] &&
        !(lease = berth_lease_store_get(contents->database, request->lease, error)))
        return false;
    /* Only a user who holds the content may learn that it is in the store. For others, the ingest
     * continues as if it were not (store/provenance.h). */
    if (expected[0] && berth_content_store_has(contents->store, expected) &&
        berth_provenance_may_name(contents->database, request->owner, expected))
        return berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS, "content %s is here already",
                               expected);
    if (!berth_fd_pipe(ends, error))
        return false;
    berth_autofd int input = ends[0];
    berth_autofd int output = ends[1];
    IngestSession *session = ingest_session_open(contents, request, key, input, offset, error);
    if (!session)
        return false;
    if (!berth_content_store_intend(contents->store, key, expected, request->lease, error)) {
        ingest_session_end(session);
        return false;
    }
    *pipe = berth_fd_steal(&output);
    return true;
}

/* After a restart of the service, or if the worker had answered before Commit was called: hashes
 * the file again without adding to it. */
static IngestSession *ingest_session_reopen(BerthContents *contents, const char *key,
                                            const char *expected, GError **error) {
    g_auto(BerthIngestInfo) info = {0};
    uint64_t offset;

    if (!berth_content_store_status(contents->store, key, &info, error))
        return NULL;
    /* An input at its end makes the worker hash the file as it is. */
    berth_autofd int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const BerthIngestRequest request = {
        .ref = info.ref,
        .expected = expected[0] ? expected : info.expected,
        .owner = info.owner,
    };
    return ingest_session_open(contents, &request, key, nothing, &offset, error);
}

void berth_contents_commit_ingest(BerthContents *contents, const char *key, uint64_t size,
                                  const char *expected, BerthCommitted done, void *userdata) {
    g_autoptr(GError) error = NULL;
    IngestSession *session = ingest_session_find(contents, key);

    if (session && session->done)
        berth_error_set(&error, BERTH_ERROR_BUSY, "\"%s\" is being committed already",
                        session->ref);
    else if (!session)
        session = ingest_session_reopen(contents, key, expected, &error);
    if (!session || error) {
        done(NULL, error, userdata);
        return;
    }
    session->done = done;
    session->userdata = userdata;
    session->wanted_size = size;
    session->wanted_digest = g_strdup(expected);
}

bool berth_contents_abort(BerthContents *contents, const char *key, GError **error) {
    IngestSession *session = ingest_session_find(contents, key);
    g_autoptr(GError) aborted = NULL;

    if (!session && berth_contents_is_claimed(contents, key))
        return berth_error_set(error, BERTH_ERROR_BUSY,
                               "a transfer is writing this ingest; cancel that");
    if (session) {
        BerthCommitted done = session->done;
        void *userdata = session->userdata;
        berth_error_set(&aborted, BERTH_ERROR_CANCELLED, "the ingest \"%s\" was aborted",
                        session->ref);
        ingest_session_end(session);
        if (done)
            done(NULL, aborted, userdata);
    }
    return berth_content_store_abort(contents->store, key, error);
}
