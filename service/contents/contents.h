/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Contents, above the store: who is writing what at the moment, ingests of clients, and single
 * objects of remotes. Everything that comes in goes through berth-ingest.
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

BerthContents *berth_contents_new(sd_event *event, BerthContentStore *store,
                                  BerthDatabase *database, BerthRemotes *remotes);
void berth_contents_free(BerthContents *contents);
void berth_contents_observe(BerthContents *contents, BerthContentObserver observer, void *userdata);
BerthContentStore *berth_contents_get_store(BerthContents *contents);

/* Whether somebody holds the claim on this ref (contents/claim.h). */
bool berth_contents_is_claimed(BerthContents *contents, const char *ref);

/* Commits what berth-ingest has hashed as digest under an ingest's key, and tells of it. */
bool berth_contents_commit(BerthContents *contents, const char *key, const char *digest,
                           GError **error);

/* InUse, unless forced; for a caller who may see images the error names one. */
bool berth_contents_delete(BerthContents *contents, const char *digest, bool force,
                           bool sees_images, GError **error);

/* Pins: a set of digests of blobs and chain IDs of snapshots that an operation needs and that
 * nothing may collect meanwhile. Several sets may hold the same digest. */
typedef struct BerthPins BerthPins;
BerthPins *berth_pins_new(BerthContents *contents);
void berth_pins_add(BerthPins *pins, const char *digest);
void berth_pins_free(BerthPins *pins);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthPins, berth_pins_free)
unsigned berth_contents_count_pins(BerthContents *contents, const char *digest);
bool berth_contents_is_pinned(BerthContents *contents, const char *digest);
GPtrArray *berth_contents_list_pins(BerthContents *contents); /* of const char * */

/* Deletes blobs (of const char *) by a rename each, and tells of them; a worker does the rest. */
bool berth_contents_discard(BerthContents *contents, GPtrArray *digests, GError **error);

/* How long an ingest may be left alone. */
#define BERTH_INGEST_LIFE_USEC (24 * 3600ll * G_USEC_PER_SEC)

/* Moves a blob that is not what its name says out of the way, to content/damaged/. */
bool berth_contents_set_aside(BerthContents *contents, const char *digest, GError **error);

/* Removes ingests that nobody writes and that have not grown for so long. */
void berth_contents_expire_ingests(BerthContents *contents, int64_t life_usec);

/* The key under which owner's transfers ingest a blob. Caller frees. */
char *berth_contents_blob_key(uint32_t owner, const char *digest);

/*
 * A client's ingest: it writes into pipe from offset on, and closes it. Then it commits; that waits
 * until all that was written has been hashed.
 */
typedef struct {
    const char *ref;
    uint64_t total;       /* 0 where it is not known */
    const char *expected; /* a digest, or "" */
    const char *lease;    /* that keeps the result, or "" */
    uint32_t owner;
} BerthIngestRequest;
bool berth_contents_ingest(BerthContents *contents, const BerthIngestRequest *request, int *pipe,
                           uint64_t *offset, GError **error);
typedef void (*BerthCommitted)(const char *digest, const GError *error, void *userdata);
void berth_contents_commit_ingest(BerthContents *contents, const char *key, uint64_t size,
                                  const char *expected, BerthCommitted done, void *userdata);
/* key: as berth_content_store_find_ingest finds it. */
bool berth_contents_abort(BerthContents *contents, const char *key, GError **error);

/* Content that the service makes itself; done is told its digest. */
typedef void (*BerthTextStored)(const char *digest, uint64_t size, const GError *error,
                                void *userdata);
typedef struct BerthTextStoring BerthTextStoring;
BerthTextStoring *berth_contents_store_text(BerthContents *contents, const char *text,
                                            BerthTextStored done, void *userdata);
/* It is stored all the same, but nobody is told. */
void berth_contents_forget_text(BerthTextStoring *storing);

/* One object of a remote, as it comes: into a pipe, not into the store, and not hashed. */
typedef struct {
    BerthRemoteRequest remote;
    char *const *media_types;
    const char *client;  /* when it leaves the bus, the object ends */
    BerthCharge *charge; /* taken over */
} BerthObjectRequest;
typedef void (*BerthObjectReady)(int pipe, const BerthDescriptor *target, const GError *error,
                                 void *userdata);
void berth_contents_fetch_object(BerthContents *contents, const BerthObjectRequest *request,
                                 BerthObjectReady ready, void *userdata);
