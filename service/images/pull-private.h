/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files of a pull share: pull.c walks the image's documents, pull-object.c brings one blob
 * into the store, pull-layer.c makes one snapshot. */

#pragma once

#include "images/pull.h"
#include "images/signatures.h"
#include "store/lease-store.h"

/* The largest manifest, index or configuration; berth-inspect reads no larger one. */
#define BERTH_PULL_MAX_DOCUMENT_BYTES (4u * 1024 * 1024)

typedef struct BerthPull BerthPull;
typedef struct BerthPullObject BerthPullObject;
typedef struct BerthPullLayer BerthPullLayer;

struct BerthPull {
    BerthOperation *operation;
    BerthImages *images;
    BerthTransfer *transfer;
    BerthPullMode mode;
    char *reference;
    bool all_platforms;
    char *platform_text;
    BerthLease *lease; /* as it was found; NULL for none */
    int64_t record;    /* in berth.db, of one that lasts; 0 for none */
    BerthPlatform *platform;
    char *name;
    BerthDescriptor *target;
    BerthRemoteSession *fetch;
    BerthSignatureSearch *signatures; /* while the policy is being met */
    BerthWorker *ingest, *inspect;
    GHashTable *objects;  /* digest → BerthPullObject */
    GHashTable *embedded; /* digest → GBytes, that stood in the image's documents */
    BerthPins *pins;      /* digests and chain IDs that nothing may collect meanwhile */
    GQueue queued;        /* of BerthPullObject, that wait for others to be done */
    unsigned fetching;    /* objects that are not queued */
    GPtrArray *layers;    /* of BerthPullLayer, lowest first */
    BerthImageInfo *info;
    BerthDescriptor *manifest_config; /* of the chosen manifest */
    GPtrArray *manifest_layers;       /* of BerthDescriptor, of the chosen manifest */
    char *manifest_digest;
    char *chosen;     /* the digest of the document that leads to the image to unpack */
    unsigned pending; /* documents, objects and layers that are not done */
    unsigned indexes;
    bool with_get; /* what HEAD said of the target turned out to be wrong */
};

/* Whichever comes first ends the pull, from the loop; until then it goes on being valid. */
void berth_pull_fail(BerthPull *pull, const GError *error, const char *what);
/* Whether what HEAD said of this object, which was not found to be that, is asked again by GET;
 * then the object is forgotten. */
bool berth_pull_resolve_again(BerthPull *pull, const char *digest);
/* One object or layer is done; the last one finishes the pull. */
void berth_pull_done_one(BerthPull *pull);
/* Keeps a blob or a snapshot until the pull has ended; under the lease too, if there is one. */
void berth_pull_pin(BerthPull *pull, const char *digest);
/* Whether a layer may begin; called again whenever one has ended. */
void berth_pull_start_layers(BerthPull *pull);

/* The object's content is in the store. */
typedef void (*BerthPullObjectDone)(BerthPull *pull, const BerthDescriptor *descriptor,
                                    void *userdata);

/* Opens a pipe that gets the bytes as they arrive; -1 for none. Asked only if all of them do. */
typedef int (*BerthPullObjectStream)(void *userdata);

/* Brings descriptor into the store; done may be called at once. item: what shows its progress, NULL
 * for one of its own. stream: NULL if nobody wants the bytes before they are there. */
void berth_pull_object(BerthPull *pull, const BerthDescriptor *descriptor, BerthTransferItem *item,
                       BerthPullObjectStream stream, BerthPullObjectDone done, void *userdata);
void berth_pull_object_free(gpointer object);

/* This remote has brought or shown it: it is the caller's from now on. */
void berth_pull_hold(BerthPull *pull, const char *digest);
/* Whether content that may be here counts as there for this pull, without asking the remote. */
bool berth_pull_may_use(BerthPull *pull, const char *digest);

/* Lets the remote show that it has content that is here. NULL where that cannot be shown in short;
 * done is called once, unless it is freed before. */
typedef struct BerthPullProof BerthPullProof;
typedef void (*BerthProven)(bool shown, void *userdata);
BerthPullProof *berth_pull_proof_new(BerthPull *pull, const BerthDescriptor *descriptor,
                                     BerthProven done, void *userdata);
void berth_pull_proof_free(BerthPullProof *proof);

/* A layer of the chosen manifest. */
typedef enum {
    LAYER_WAITING,   /* for a worker's place */
    LAYER_ELSEWHERE, /* another transfer is unpacking it */
    LAYER_UNPACKING, /* its bytes arrive */
    LAYER_UNPACKED,  /* waits for the one below */
    LAYER_SETTLING,
    LAYER_DONE,
} BerthPullLayerState;

struct BerthPullLayer {
    BerthPull *pull;
    BerthPullLayer *below; /* NULL for the lowest */
    BerthDescriptor *descriptor;
    BerthTransferItem *item;
    char *diff_id, *chain_id;
    BerthPullLayerState state;
    BerthWorker *worker;
    char *key; /* of the snapshot that is being made */
    bool streamed, stored, unpacked, needs_lower;
    bool claimed; /* this one makes the snapshot */
    uint64_t size;
};

void berth_pull_layer_start(BerthPullLayer *layer);
void berth_pull_layer_free(gpointer layer);
