/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Transfers: operations that clients watch and cancel. A transfer is the record of one, with its
 * items, for the bus; an object (a pull, an export) does the work and reports to it. A transfer
 * that has ended remains listed for a minute.
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

/* The result of a transfer; its kind determines which members are set, and the others are NULL. */
typedef struct {
    char *name; /* of an image */
    BerthDescriptor *target;
    char *chain_id;
    char **damaged;  /* digests */
    char **names;    /* of several images */
    char **warnings; /* sent by the registry, for users */
} BerthTransferResult;

/* The operations on the object that does the work. */
typedef struct {
    /* Fills in the result when the work has succeeded or, if it is partial, was cancelled; called
     * before free. NULL: there is no result. */
    void (*report)(void *object, BerthTransferResult *result);
    /* Frees the object and stops everything that it has pending: the transfer has ended. */
    void (*free)(void *object);
    /* Cancelling leaves part of the work done, which is reported. */
    bool is_partial;
} BerthTransferWork;

typedef enum {
    BERTH_TRANSFER_ADDED,
    BERTH_TRANSFER_PROGRESSED, /* at most 10 times per second */
    BERTH_TRANSFER_FINISHED,
    BERTH_TRANSFER_REMOVED,
} BerthTransferChange;

struct BerthTransferItem {
    char *object;      /* digest or reference */
    const char *phase; /* static string: waiting, fetching, unpacking, done, exists */
    uint64_t done, total;
    /* Returns the number of bytes done, for items whose progress is polled instead of reported. */
    uint64_t (*poll)(void *userdata);
    void *poll_userdata;
};

struct BerthTransfer {
    BerthTransfers *transfers;
    uint64_t number;
    char *kind;                /* fetch, pull, unpack */
    char *reference;           /* as requested */
    uint32_t owner;            /* uid */
    uint64_t started_usec;     /* since the epoch */
    BerthCharge *charge;       /* while running */
    BerthOperation *operation; /* while running; NULL after the end */
    const BerthTransferWork *work;
    void *object; /* the object that does the work */
    BerthTransferState state;
    GPtrArray *items;           /* of BerthTransferItem, in the order of discovery */
    GError *error;              /* of a failed or cancelled transfer */
    BerthTransferResult result; /* empty while running */
    void (*followed)(struct BerthTransfer *transfer, void *userdata); /* called at the end */
    void *followed_userdata;
    int64_t expires_usec; /* CLOCK_MONOTONIC; 0 while running */
};

typedef void (*BerthTransferObserver)(BerthTransfer *transfer, BerthTransferChange change,
                                      void *userdata);

BerthTransfers *berth_transfers_new(sd_event *event);
void berth_transfers_free(BerthTransfers *transfers);
void berth_transfers_observe(BerthTransfers *transfers, BerthTransferObserver observer,
                             void *userdata);

/* Creates a transfer, which the list owns; the caller must call berth_transfer_begin in the same
 * iteration of the loop. LimitExceeded if too many transfers of this owner are running. */
BerthTransfer *berth_transfers_add(BerthTransfers *transfers, const char *kind,
                                   const char *reference, uint32_t owner, GError **error);
/* Returns the transfer with this number, NULL if it does not exist or has expired. */
BerthTransfer *berth_transfers_find(BerthTransfers *transfers, uint64_t number);
/* Returns the list itself, sorted by number, which belongs to the object. */
GPtrArray *berth_transfers_list(BerthTransfers *transfers);

/* Adds an item, owned by the transfer; phases are static strings. */
BerthTransferItem *berth_transfer_add_item(BerthTransfer *transfer, const char *object,
                                           const char *phase, uint64_t total);

/* Make poll report an item's progress as the size of a file, or as the offset in one. *fd is read
 * each time and must stay valid until poll is NULL again. */
void berth_transfer_item_watch_size(BerthTransferItem *item, const int *fd);
void berth_transfer_item_watch_position(BerthTransferItem *item, const int *fd);

/* followed is called when the transfer has ended, before the observer; a transfer can have only
 * one. */
void berth_transfer_follow(BerthTransfer *transfer,
                           void (*followed)(BerthTransfer *transfer, void *userdata),
                           void *userdata);

/* Begins the work. When the returned operation, which the transfer owns, has ended, the object
 * reports its result and is freed, and the transfer ends. */
BerthOperation *berth_transfer_begin(BerthTransfer *transfer, const BerthTransferWork *work,
                                     void *object);
void berth_transfer_cancel(BerthTransfer *transfer);

/* Returns "running", "done", "failed" or "cancelled". */
const char *berth_transfer_get_state(const BerthTransfer *transfer);
/* Sums up the progress of all items. */
void berth_transfer_sum(const BerthTransfer *transfer, uint64_t *done, uint64_t *total);
