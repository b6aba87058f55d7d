/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Contents, above the store: claims on data being written, pins, ingests of clients, and single
 * objects of remotes. Everything that enters the store goes through berth-ingest.
 */

#pragma once

#include "base/charge.h"
#include "base/descriptor.h"
#include "remotes/remote-session.h"
#include "store/content-store.h"
#include "worker/worker.h"

typedef struct BerthContents BerthContents;

typedef enum { BERTH_CONTENT_COMMITTED, BERTH_CONTENT_DELETED } BerthContentChange;
typedef void (*BerthContentObserver)(const char *digest, uint64_t size, BerthContentChange change,
                                     void *userdata);

/* All arguments are borrowed, and must outlive the object. */
BerthContents *berth_contents_new(sd_event *event, BerthContentStore *store,
                                  BerthDatabase *database, BerthRemotes *remotes);
void berth_contents_free(BerthContents *contents);
void berth_contents_observe(BerthContents *contents, BerthContentObserver observer, void *userdata);
BerthContentStore *berth_contents_get_store(BerthContents *contents);

/* Whether a claim on this ref is held (contents/claim.h). */
bool berth_contents_is_claimed(BerthContents *contents, const char *ref);

/* Whether the data of an ingest can have this digest, if content with it is stored: a berth-ingest
 * that was taken over could otherwise invent a digest, and give its user the content of another.
 * Called before anything refers to the digest on behalf of the ingest's owner. If it fails, the
 * ingest is removed. */
bool berth_contents_check_ingest(BerthContents *contents, const char *key, const char *digest,
                                 GError **error);
/* Commits an ingest, which berth-ingest has hashed to this digest, and calls the observer. */
bool berth_contents_commit(BerthContents *contents, const char *key, const char *digest,
                           GError **error);

/* Fails with InUse, unless forced. The error names an image only if the caller may see images. */
bool berth_contents_delete(BerthContents *contents, const char *digest, bool force,
                           bool sees_images, GError **error);

/* Pins: a set of digests of blobs and chain IDs of snapshots that an operation needs and that must
 * not be collected in the meantime. Several sets may contain the same digest. */
typedef struct BerthPins BerthPins;
BerthPins *berth_pins_new(BerthContents *contents);
void berth_pins_add(BerthPins *pins, const char *digest);
void berth_pins_free(BerthPins *pins);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthPins, berth_pins_free)
/* Returns how many sets contain a digest. */
unsigned berth_contents_count_pins(BerthContents *contents, const char *digest);
bool berth_contents_is_pinned(BerthContents *contents, const char *digest);
GPtrArray *berth_contents_list_pins(BerthContents *contents); /* of const char * */

/* Deletes blobs (const char *) with one rename each and calls the observer; a worker frees the
 * space. */
bool berth_contents_discard(BerthContents *contents, GPtrArray *digests, GError **error);

/* How long an ingest may remain without being written to before it is removed. */
#define BERTH_INGEST_LIFE_USEC (24 * 3600ll * G_USEC_PER_SEC)

/* Moves a blob whose content does not match its digest to content/damaged/. */
bool berth_contents_set_aside(BerthContents *contents, const char *digest, GError **error);

/* Removes ingests that are not being written and have not grown for this long. */
void berth_contents_expire_ingests(BerthContents *contents, int64_t life_usec);

/* Makes the renames of all blobs durable, by a berth-ingest. An image refers to digests of any
 * algorithm, which have separate directories. */
void berth_contents_sync(BerthContents *contents, BerthWorker *ingest, BerthWorkerReply reply,
                         void *userdata);

/* Returns the key under which an owner's transfers ingest a blob. The caller frees it. */
char *berth_contents_blob_key(uint32_t owner, const char *digest);

/*
 * An ingest of a client. The client writes into the pipe, starting at offset, and closes it. It
 * then commits, which waits until everything written has been hashed.
 */
typedef struct {
    const char *ref;
    uint64_t total;       /* 0: unknown */
    const char *expected; /* a digest, or "" */
    const char *lease;    /* keeps the result, or "" */
    uint32_t owner;
} BerthIngestRequest;
/* Opens a session and returns the write end of its pipe, owned by the caller. Fails with Busy if
 * the ingest is being written, and with LimitExceeded if the owner has too many. */
bool berth_contents_ingest(BerthContents *contents, const BerthIngestRequest *request, int *pipe,
                           uint64_t *offset, GError **error);
typedef void (*BerthCommitted)(const char *digest, const GError *error, void *userdata);
/* Calls done when everything written has been hashed and the result was committed or refused. */
void berth_contents_commit_ingest(BerthContents *contents, const char *key, uint64_t size,
                                  const char *expected, BerthCommitted done, void *userdata);
/* key is the one returned by berth_content_store_find_ingest. */
bool berth_contents_abort(BerthContents *contents, const char *key, GError **error);

/* Stores content created by the service itself; done is called with its digest. */
typedef void (*BerthTextStored)(const char *digest, uint64_t size, const GError *error,
                                void *userdata);
typedef struct BerthTextStoring BerthTextStoring;
BerthTextStoring *berth_contents_store_text(BerthContents *contents, const char *text,
                                            BerthTextStored done, void *userdata);
/* Ensures that done is not called; the content is stored nevertheless. */
void berth_contents_forget_text(BerthTextStoring *storing);

/* One object of a remote, written into a pipe as it arrives; it is neither stored nor hashed. */
typedef struct {
    BerthRemoteRequest remote;
    char *const *media_types;
    const char *client;  /* the fetch is cancelled when this client leaves the bus */
    BerthCharge *charge; /* ownership is taken */
} BerthObjectRequest;
typedef void (*BerthObjectReady)(int pipe, const BerthDescriptor *target, const GError *error,
                                 void *userdata);
void berth_contents_fetch_object(BerthContents *contents, const BerthObjectRequest *request,
                                 BerthObjectReady ready, void *userdata);
