/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of a pull. Each owns what it needs, is called by the one above it, and reports to that
 * one through a callback; none of them calls upwards:
 *
 *   pull.c              resolves, checks the policy, starts the parts, and puts the image's name
 *     pull-documents.c  walks the image's documents and fetches everything that they refer to
 *     pull-image.c      the image for the platform: its configuration, then its layers
 *       pull-layer.c    one layer: blob and tree, settled on the layer below, committed
 *       pull-unpackers.c  the layers' workers
 *     pull-objects.c    schedules the fetching: a limited number of objects at a time
 *       pull-object.c   one blob: already stored, proven (pull-proof.c), or fetched and committed
 *   pull-claims.c     for which other pulls a layer or an object waits
 *   pull-drop.c       the blobs that are deleted when the pull has ended
 */

#pragma once

#include "contents/claim.h"
#include "images/pull.h"
#include "store/lease-store.h"

/* pull-unpackers.c */
typedef struct BerthPullUnpackers BerthPullUnpackers;
BerthPullUnpackers *berth_pull_unpackers_new(BerthImages *images);
void berth_pull_unpackers_free(BerthPullUnpackers *unpackers);
/* Starts a worker before a layer needs it. */
void berth_pull_unpackers_prepare(BerthPullUnpackers *unpackers);
/* Returns a worker for a layer, and the key of the snapshot whose directory it has; both belong to
 * the caller. A key may also be set with an error. */
BerthWorker *berth_pull_unpackers_take(BerthPullUnpackers *unpackers, char **key, GError **error);

/* Shared by all parts. Only pull.c modifies it. */
typedef struct {
    BerthImages *images;
    BerthTransfer *transfer;
    BerthPullMode mode;
    char *name; /* of the image */
    char *platform_text;
    BerthPlatform *platform;
    bool all_platforms;
    BerthLease *lease; /* as found at the start; NULL: none */
    BerthRemoteSession *fetch;
    BerthWorker *ingest, *inspect;
    BerthPullUnpackers *unpackers; /* the layers' workers */
    BerthPins *pins; /* digests and chain IDs that must not be collected in the meantime */
} BerthPullContext;

/* Reports how a part has ended; digest is that of the object that failed, or NULL. Called once. */
typedef void (*BerthPullDone)(const char *digest, const GError *error, void *userdata);

/* Whether stored content may be used for this pull without asking the remote. */
bool berth_pull_may_use(const BerthPullContext *context, const char *digest);
/* The same; if so, records that the content belongs to the caller, and that this repository is a
 * source of it. */
bool berth_pull_use_stored(const BerthPullContext *context, const char *digest);
/* Whether the content is in the store, whoever brought it. */
bool berth_pull_is_stored(const BerthPullContext *context, const char *digest);

/* pull-claims.c */
typedef struct {
    BerthClaim *own;        /* among the pulls of one user */
    BerthClaim *repository; /* among all pulls from one repository; NULL if the registry does not
                             * prove its identity */
} BerthPullClaims;

typedef struct {
    const char *own;     /* the ref of the first */
    const char *purpose; /* of the second, for this digest */
    const char *digest;
} BerthPullClaimsRequest;

/* released is called for each, as in contents/claim.h. */
void berth_pull_claims_init(BerthPullClaims *claims, const BerthPullContext *context,
                            const BerthPullClaimsRequest *request, BerthClaimReleased released,
                            void *userdata);
void berth_pull_claims_clear(BerthPullClaims *claims);
/* Takes both, or takes neither and waits for the one that is not free: what waits holds nothing
 * that others need. */
bool berth_pull_claims_take(const BerthPullClaims *claims);
void berth_pull_claims_release(const BerthPullClaims *claims);

/* pull-proof.c: lets the remote prove that it has the stored content. Returns NULL if samples
 * cannot prove that; otherwise done is called once, unless the proof is freed earlier. */
typedef struct BerthPullProof BerthPullProof;
typedef void (*BerthPullProofDone)(bool proven, void *userdata);
BerthPullProof *berth_pull_proof_new(const BerthPullContext *context,
                                     const BerthDescriptor *descriptor, BerthPullProofDone done,
                                     void *userdata);
void berth_pull_proof_free(BerthPullProof *proof);

/* pull-object.c */
typedef enum {
    BERTH_PULL_OBJECT_QUEUED,   /* until fewer objects are being fetched */
    BERTH_PULL_OBJECT_PROVING,  /* the remote proves that it has the stored content */
    BERTH_PULL_OBJECT_WAITING,  /* for another transfer that fetches or writes the same content */
    BERTH_PULL_OBJECT_FETCHING, /* its bytes are arriving */
    BERTH_PULL_OBJECT_DONE,     /* it is in the store */
    BERTH_PULL_OBJECT_FAILED,
} BerthPullObjectState;

/* Begins to process the file while it grows; growth is a pipe that receives a byte when it has
 * grown, and is closed when it is complete. The caller keeps both. Called only if the file is empty
 * yet. */
typedef void (*BerthPullStream)(int file, int growth, void *userdata);

typedef struct BerthPullObject BerthPullObject;

/* The object has become WAITING, QUEUED (it no longer has to wait), DONE or FAILED. It may be freed
 * in this callback. */
typedef void (*BerthPullObjectChanged)(BerthPullObject *object, const GError *error,
                                       void *userdata);

typedef struct {
    const BerthDescriptor *descriptor;
    BerthTransferItem *item; /* shows its progress */
    GBytes *embedded;        /* its content, if embedded in one of the image's documents; or NULL */
    BerthPullStream stream;  /* NULL if the bytes are not needed before they are stored */
    void *stream_userdata;
    BerthPullObjectChanged changed;
    void *userdata;
} BerthPullObjectRequest;

BerthPullObject *berth_pull_object_new(const BerthPullContext *context,
                                       const BerthPullObjectRequest *request);
void berth_pull_object_free(BerthPullObject *object);
/* For an object that is QUEUED. May call changed before it returns. */
void berth_pull_object_start(BerthPullObject *object);
BerthPullObjectState berth_pull_object_get_state(const BerthPullObject *object);

/* pull-objects.c */
typedef struct BerthPullObjects BerthPullObjects;
typedef void (*BerthPullFetched)(const BerthDescriptor *descriptor, const GError *error,
                                 void *userdata);

typedef struct {
    const BerthDescriptor *descriptor;
    BerthTransferItem *item; /* NULL: creates one */
    BerthPullStream stream;  /* may be NULL */
    BerthPullFetched done;
    void *userdata;
} BerthPullFetch;

BerthPullObjects *berth_pull_objects_new(const BerthPullContext *context);
void berth_pull_objects_free(BerthPullObjects *objects);
/* A document contained the content with this digest: it does not have to be fetched. */
void berth_pull_objects_embed(BerthPullObjects *objects, const char *digest, GBytes *content);
/* Brings an object into the store; done is called immediately if it is already there. */
void berth_pull_objects_fetch(BerthPullObjects *objects, const BerthPullFetch *fetch);

/* pull-documents.c */
typedef struct BerthPullDocuments BerthPullDocuments;

/* The manifest of the image for the platform has been read, in a pull that unpacks it: the receiver
 * fetches its configuration and layers. */
typedef void (*BerthPullFound)(const char *digest, const BerthDocument *manifest, void *userdata);

BerthPullDocuments *berth_pull_documents_new(const BerthPullContext *context,
                                             BerthPullObjects *objects,
                                             const BerthDescriptor *target, BerthPullFound found,
                                             BerthPullDone done, void *userdata);
void berth_pull_documents_free(BerthPullDocuments *documents);
/* Starts with the target; done is called once, when nothing is pending. */
void berth_pull_documents_start(BerthPullDocuments *documents);
/* Whether the target itself has not been read yet: nothing else is pending. */
bool berth_pull_documents_are_at_target(const BerthPullDocuments *documents);
/* Returns the target, with its true size once it has been read. */
const BerthDescriptor *berth_pull_documents_get_target(const BerthPullDocuments *documents);

/* pull-layer.c */
typedef enum {
    BERTH_PULL_LAYER_NEW,       /* its diff ID is not known yet; its blob may be arriving */
    BERTH_PULL_LAYER_WAITING,   /* for a free slot for unpacking */
    BERTH_PULL_LAYER_ELSEWHERE, /* another transfer is creating its snapshot */
    BERTH_PULL_LAYER_KEEPING,   /* the snapshot exists; the blob is being fetched */
    BERTH_PULL_LAYER_FETCHING,  /* the blob is being fetched, and is unpacked after that */
    BERTH_PULL_LAYER_STREAMING, /* it is being unpacked while it arrives */
    BERTH_PULL_LAYER_STORED,    /* the blob is complete, the tree is not */
    BERTH_PULL_LAYER_EXTRACTED, /* the tree is complete, the blob is not */
    BERTH_PULL_LAYER_UNPACKED,  /* both are complete; the layer below may not be */
    BERTH_PULL_LAYER_SETTLING,  /* on the layer below */
    BERTH_PULL_LAYER_DONE,      /* committed */
} BerthPullLayerState;

typedef struct BerthPullLayer BerthPullLayer;

/* The layer has become WAITING again, UNPACKED or DONE, or it has failed. */
typedef void (*BerthPullLayerChanged)(BerthPullLayer *layer, const GError *error, void *userdata);

typedef struct {
    const BerthDescriptor *descriptor;
    const char *manifest_digest; /* remains valid */
    BerthPullLayerChanged changed;
    void *userdata;
} BerthPullLayerRequest;

/* What the image configuration says of a layer. */
typedef struct {
    const char *diff_id;
    const char *parent;         /* chain ID of the layer below; NULL: this is the lowest */
    const char *image_chain_id; /* remains valid */
} BerthPullLayerIdentity;

BerthPullLayer *berth_pull_layer_new(const BerthPullContext *context, BerthPullObjects *objects,
                                     const BerthPullLayerRequest *request);
void berth_pull_layer_free(BerthPullLayer *layer);
/* For a layer that is NEW: begins to fetch its blob. */
void berth_pull_layer_fetch_ahead(BerthPullLayer *layer);
/* For a layer that is NEW: it is WAITING from now on. */
void berth_pull_layer_identify(BerthPullLayer *layer, const BerthPullLayerIdentity *identity);
/* For a layer that is WAITING. */
void berth_pull_layer_start(BerthPullLayer *layer);
/* For a layer that is UNPACKED, when the layer below is DONE. */
void berth_pull_layer_settle(BerthPullLayer *layer);
BerthPullLayerState berth_pull_layer_get_state(const BerthPullLayer *layer);
const char *berth_pull_layer_get_digest(const BerthPullLayer *layer);
const char *berth_pull_layer_get_chain_id(const BerthPullLayer *layer);

/* pull-image.c */
typedef struct BerthPullImage BerthPullImage;

typedef struct {
    const char *target_digest; /* of the document that the image's name refers to */
    const char *digest;        /* of the manifest */
    const BerthDocument *manifest;
} BerthPullImageRequest;

BerthPullImage *berth_pull_image_new(const BerthPullContext *context, BerthPullObjects *objects,
                                     const BerthPullImageRequest *request, BerthPullDone done,
                                     void *userdata);
void berth_pull_image_free(BerthPullImage *image);
/* Starts with the configuration; done is called once, when all layers are DONE or one has
 * failed. */
void berth_pull_image_start(BerthPullImage *image);
/* Returns the contents of its configuration; NULL until that has been read. */
const BerthImageInfo *berth_pull_image_get_info(const BerthPullImage *image);
guint berth_pull_image_count_layers(const BerthPullImage *image);
/* Returns the digests of the blobs of its layers, without duplicates. */
GPtrArray *berth_pull_image_list_blobs(const BerthPullImage *image);

/* pull-drop.c */
typedef struct BerthPullDrop BerthPullDrop;
/* Takes over the pins. berth_pull_drop_on_synced() frees it. */
BerthPullDrop *berth_pull_drop_new(BerthContents *contents, BerthPins *pins, const char *name,
                                   GPtrArray *digests);
/* A BerthSnapshotsSynced: deletes the blobs that nothing else needs at the moment. */
void berth_pull_drop_on_synced(bool synced, void *userdata);
