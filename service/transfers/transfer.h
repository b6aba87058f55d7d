/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Transfers: operations that clients watch and cancel. A transfer is the record of one, with its
 * items, for the bus; an object (a pull, an export) does the work and reports to it. A transfer
 * that has ended is listed for another minute.
 */

#pragma once

#include "base/charge.h"
#include "base/descriptor.h"
#include "base/operation.h"

typedef struct BerthTransfers BerthTransfers;
typedef struct BerthTransfer BerthTransfer;
typedef struct BerthTransferItem BerthTransferItem;

typedef enum {
    BERTH_TRANSFER_RUNNING,
    BERTH_TRANSFER_DONE,
    BERTH_TRANSFER_FAILED,
    BERTH_TRANSFER_CANCELLED,
} BerthTransferState;

/* What a transfer has brought; which members there are depends on its kind, others are NULL. */
typedef struct {
    char *name; /* of the image */
    BerthDescriptor *target;
    char *chain_id;
    char **damaged;  /* digests */
    char **names;    /* of several images */
    char **warnings; /* of the registry, for a person */
} BerthTransferResult;

/* How the object that does the work is handled. */
typedef struct {
    /* Fills in the result when the work has succeeded or, if it is partial, was cancelled; free
     * follows. NULL: there is none. */
    void (*report)(void *object, BerthTransferResult *result);
    /* Frees the object, which stops what it has under way: the transfer has ended. */
    void (*free)(void *object);
    /* A cancellation leaves a part of it done, and says so. */
    bool is_partial;
} BerthTransferWork;

typedef enum {
    BERTH_TRANSFER_ADDED,
    BERTH_TRANSFER_PROGRESSED, /* at most 10 times a second */
    BERTH_TRANSFER_FINISHED,
    BERTH_TRANSFER_REMOVED,
} BerthTransferChange;

struct BerthTransferItem {
    char *object;      /* a digest, or a reference */
    const char *phase; /* static text: waiting, fetching, unpacking, done, exists */
    uint64_t done, total;
    /* Returns the bytes done, for items whose progress is looked up and not reported. */
    uint64_t (*poll)(void *userdata);
    void *poll_userdata;
};

struct BerthTransfer {
    BerthTransfers *transfers;
    uint64_t number;
    char *kind;                /* fetch, pull, unpack */
    char *reference;           /* as it was requested */
    uint32_t owner;            /* uid */
    uint64_t started_usec;     /* since the epoch */
    BerthCharge *charge;       /* while it runs */
    BerthOperation *operation; /* the same; NULL after its end */
    const BerthTransferWork *work;
    void *object; /* of the work */
    BerthTransferState state;
    GPtrArray *items;           /* of BerthTransferItem, in the order in which they were found */
    GError *error;              /* of a transfer that failed or was cancelled */
    BerthTransferResult result; /* empty while it runs */
    void (*followed)(struct BerthTransfer *transfer, void *userdata); /* called at its end */
    void *followed_userdata;
    int64_t expires_usec; /* CLOCK_MONOTONIC; 0 while it runs */
};

typedef void (*BerthTransferObserver)(BerthTransfer *transfer, BerthTransferChange change,
                                      void *userdata);

BerthTransfers *berth_transfers_new(sd_event *event);
void berth_transfers_free(BerthTransfers *transfers);
void berth_transfers_observe(BerthTransfers *transfers, BerthTransferObserver observer,
                             void *userdata);

/* A new transfer, which the list owns; berth_transfer_begin follows in the same turn of the loop.
 * LimitExceeded if too many of this owner's transfers run. */
BerthTransfer *berth_transfers_add(BerthTransfers *transfers, const char *kind,
                                   const char *reference, uint32_t owner, GError **error);
BerthTransfer *berth_transfers_find(BerthTransfers *transfers, uint64_t number);
GPtrArray *berth_transfers_list(BerthTransfers *transfers);

/* An item, owned by the transfer; phases are static strings. */
BerthTransferItem *berth_transfer_add_item(BerthTransfer *transfer, const char *object,
                                           const char *phase, uint64_t total);

/* Takes an item's progress from the size of a file, or from the position in one. The descriptor is
 * read each time and stays valid until poll is NULL again. */
void berth_transfer_item_watch_size(BerthTransferItem *item, const int *fd);
void berth_transfer_item_watch_position(BerthTransferItem *item, const int *fd);

/* followed is called when the transfer has ended, before the observer; there is one per
 * transfer. */
void berth_transfer_follow(BerthTransfer *transfer,
                           void (*followed)(BerthTransfer *transfer, void *userdata),
                           void *userdata);

/* Begins the work. At the end of the operation returned, which the transfer owns, the object
 * reports its result and is freed, and the transfer ends. */
BerthOperation *berth_transfer_begin(BerthTransfer *transfer, const BerthTransferWork *work,
                                     void *object);
void berth_transfer_cancel(BerthTransfer *transfer);

const char *berth_transfer_get_state(const BerthTransfer *transfer);
void berth_transfer_sum(const BerthTransfer *transfer, uint64_t *done, uint64_t *total);
