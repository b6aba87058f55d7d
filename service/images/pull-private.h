/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of a pull. Each owns what it needs, is called by the one above it, and reports to that
 * one through a callback; none of them calls upwards:
 *
 *   pull.c              resolves, meets the policy, starts the parts, and names the image
 *     pull-documents.c  walks the image's documents and has everything fetched that they name
 *     pull-image.c      the image for the platform: its configuration, then its layers
 *       pull-layer.c    one layer: blob and tree, settled on the layer below, committed
 *     pull-objects.c    schedules what is fetched: so many objects at a time
 *       pull-object.c   one blob: already here, proven (pull-proof.c), or fetched and committed
 */

#pragma once

#include "images/pull.h"
#include "store/lease-store.h"

/* The largest manifest, index or configuration; berth-inspect reads no larger one. */
#define BERTH_PULL_MAX_DOCUMENT_BYTES (4u * 1024 * 1024)

/* Shared by all parts. Only pull.c writes it. */
typedef struct {
    BerthImages *images;
    BerthTransfer *transfer;
    BerthPullMode mode;
    char *name; /* of the image */
    char *platform_text;
    BerthPlatform *platform;
    bool all_platforms;
    BerthLease *lease; /* as it was found; NULL for none */
    BerthRemoteSession *fetch;
    BerthWorker *ingest, *inspect;
    BerthWorkerTemplate *unpack; /* of the layers' workers */
    BerthPins *pins;             /* of digests and chain IDs that nothing may collect meanwhile */
} BerthPullContext;

/* How a part ended; digest: of what failed, or NULL. Called once. */
typedef void (*BerthPullDone)(const char *digest, const GError *error, void *userdata);

/* This remote has sent or shown the content: it is the caller's from now on. */
void berth_pull_hold(const BerthPullContext *context, const char *digest);
/* Whether content that is here may be used for this pull without asking the remote. */
bool berth_pull_may_use(const BerthPullContext *context, const char *digest);
bool berth_pull_is_stored(const BerthPullContext *context, const char *digest);

/* pull-proof.c: lets the remote show that it has content that is here. NULL if that cannot be shown
 * by samples; otherwise done is called once, unless the proof is freed before. */
typedef struct BerthPullProof BerthPullProof;
typedef void (*BerthPullProofDone)(bool shown, void *userdata);
BerthPullProof *berth_pull_proof_new(const BerthPullContext *context,
                                     const BerthDescriptor *descriptor, BerthPullProofDone done,
                                     void *userdata);
void berth_pull_proof_free(BerthPullProof *proof);

/* pull-object.c */
typedef enum {
    BERTH_PULL_OBJECT_QUEUED,   /* until fewer objects are under way */
    BERTH_PULL_OBJECT_PROVING,  /* the remote shows that it has what is here */
    BERTH_PULL_OBJECT_WAITING,  /* for another transfer, which fetches or writes the same */
    BERTH_PULL_OBJECT_FETCHING, /* its bytes arrive */
    BERTH_PULL_OBJECT_DONE,     /* it is in the store */
    BERTH_PULL_OBJECT_FAILED,
} BerthPullObjectState;

/* Opens a pipe that gets the bytes as they arrive; -1 for none. Only called if all of them do. */
typedef int (*BerthPullStream)(void *userdata);

typedef struct BerthPullObject BerthPullObject;

/* The object has become WAITING, QUEUED (it need not wait any longer), DONE or FAILED. It may be
 * freed here. */
typedef void (*BerthPullObjectChanged)(BerthPullObject *object, const GError *error,
                                       void *userdata);

typedef struct {
    const BerthDescriptor *descriptor;
    BerthTransferItem *item; /* shows its progress */
    GBytes *embedded;        /* its content, if that was in the image's documents; or NULL */
    BerthPullStream stream;  /* NULL if nobody wants the bytes before they are there */
    void *stream_userdata;
    BerthPullObjectChanged changed;
    void *userdata;
} BerthPullObjectRequest;

BerthPullObject *berth_pull_object_new(const BerthPullContext *context,
                                       const BerthPullObjectRequest *request);
void berth_pull_object_free(BerthPullObject *object);
void berth_pull_object_start(BerthPullObject *object);
BerthPullObjectState berth_pull_object_get_state(const BerthPullObject *object);

/* pull-objects.c */
typedef struct BerthPullObjects BerthPullObjects;
typedef void (*BerthPullFetched)(const BerthDescriptor *descriptor, const GError *error,
                                 void *userdata);

typedef struct {
    const BerthDescriptor *descriptor;
    BerthTransferItem *item; /* NULL for one of its own */
    BerthPullStream stream;  /* may be NULL */
    BerthPullFetched done;
    void *userdata;
} BerthPullFetch;

BerthPullObjects *berth_pull_objects_new(const BerthPullContext *context);
void berth_pull_objects_free(BerthPullObjects *objects);
/* A document had this content of digest in itself: it need not be fetched. */
void berth_pull_objects_embed(BerthPullObjects *objects, const char *digest, GBytes *content);
/* Brings an object into the store; done is called at once if it is there. */
void berth_pull_objects_fetch(BerthPullObjects *objects, const BerthPullFetch *fetch);

/* pull-documents.c */
typedef struct BerthPullDocuments BerthPullDocuments;

/* The manifest of the image for the platform was read, in a pull that unpacks it: fetching its
 * configuration and layers is left to the receiver. */
typedef void (*BerthPullFound)(const char *digest, const BerthDocument *manifest, void *userdata);

BerthPullDocuments *berth_pull_documents_new(const BerthPullContext *context,
                                             BerthPullObjects *objects,
                                             const BerthDescriptor *target, BerthPullFound found,
                                             BerthPullDone done, void *userdata);
void berth_pull_documents_free(BerthPullDocuments *documents);
void berth_pull_documents_start(BerthPullDocuments *documents);
/* Whether the target itself has not been read yet: nothing else is under way. */
bool berth_pull_documents_are_at_target(const BerthPullDocuments *documents);
/* With its true size, once it was read. */
const BerthDescriptor *berth_pull_documents_get_target(const BerthPullDocuments *documents);

/* pull-layer.c */
typedef enum {
    BERTH_PULL_LAYER_WAITING,   /* for one of the places of layers that are unpacked at a time */
    BERTH_PULL_LAYER_ELSEWHERE, /* another transfer makes its snapshot */
    BERTH_PULL_LAYER_KEEPING,   /* the snapshot is here; the blob is fetched */
    BERTH_PULL_LAYER_FETCHING,  /* the blob is fetched, and unpacked after that */
    BERTH_PULL_LAYER_STREAMING, /* it is unpacked while it arrives */
    BERTH_PULL_LAYER_STORED,    /* the blob is there, the tree is not */
    BERTH_PULL_LAYER_EXTRACTED, /* the tree is there, the blob is not */
    BERTH_PULL_LAYER_UNPACKED,  /* both are, and the layer below may not be */
    BERTH_PULL_LAYER_SETTLING,  /* on the layer below */
    BERTH_PULL_LAYER_DONE,      /* committed */
} BerthPullLayerState;

typedef struct BerthPullLayer BerthPullLayer;

/* The layer has become WAITING again, UNPACKED or DONE; or it has failed. */
typedef void (*BerthPullLayerChanged)(BerthPullLayer *layer, const GError *error, void *userdata);

typedef struct {
    const BerthDescriptor *descriptor;
    const char *diff_id;
    const char *parent; /* chain ID of the layer below; NULL for the lowest */
    /* Of the image; they stay valid. */
    const char *manifest_digest, *image_chain_id;
    BerthPullLayerChanged changed;
    void *userdata;
} BerthPullLayerRequest;

BerthPullLayer *berth_pull_layer_new(const BerthPullContext *context, BerthPullObjects *objects,
                                     const BerthPullLayerRequest *request);
void berth_pull_layer_free(BerthPullLayer *layer);
/* Of one that is WAITING. */
void berth_pull_layer_start(BerthPullLayer *layer);
/* Of one that is UNPACKED; the layer below is DONE. */
void berth_pull_layer_settle(BerthPullLayer *layer);
BerthPullLayerState berth_pull_layer_get_state(const BerthPullLayer *layer);
const char *berth_pull_layer_get_digest(const BerthPullLayer *layer);
const char *berth_pull_layer_get_chain_id(const BerthPullLayer *layer);

/* pull-image.c */
typedef struct BerthPullImage BerthPullImage;

typedef struct {
    const char *target_digest; /* of the document that the image's name stands for */
    const char *digest;        /* of the manifest */
    const BerthDocument *manifest;
} BerthPullImageRequest;

BerthPullImage *berth_pull_image_new(const BerthPullContext *context, BerthPullObjects *objects,
                                     const BerthPullImageRequest *request, BerthPullDone done,
                                     void *userdata);
void berth_pull_image_free(BerthPullImage *image);
void berth_pull_image_start(BerthPullImage *image);
/* The contents of its configuration, once it was read, or NULL. */
const BerthImageInfo *berth_pull_image_get_info(const BerthPullImage *image);
guint berth_pull_image_count_layers(const BerthPullImage *image);
/* Deletes the blobs of layers that nothing else needs at the moment. */
void berth_pull_image_drop_blobs(BerthPullImage *image);
