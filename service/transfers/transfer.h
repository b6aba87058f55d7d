/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Transfers: what takes its time and is watched while it does. A transfer here is the record of it,
 * with its items, for the bus; the work is done by an operation (images/pull.h) that reports to it
 * and can be cancelled through it. A finished transfer stays for a minute.
 */

#pragma once

#include "base/charge.h"
#include "base/descriptor.h"

#include <systemd/sd-event.h>

typedef struct BerthTransfers BerthTransfers;
typedef struct BerthTransfer BerthTransfer;
typedef struct BerthTransferItem BerthTransferItem;

typedef enum {
    BERTH_TRANSFER_RUNNING,
    BERTH_TRANSFER_DONE,
    BERTH_TRANSFER_FAILED,
    BERTH_TRANSFER_CANCELLED,
} BerthTransferState;

typedef enum {
    BERTH_TRANSFER_PROGRESSED, /* at most 10 times a second */
    BERTH_TRANSFER_FINISHED,
    BERTH_TRANSFER_REMOVED,
} BerthTransferChange;

struct BerthTransferItem {
    char *object;      /* a digest, or a reference */
    const char *phase; /* static text: waiting, fetching, unpacking, done, exists */
    uint64_t done, total;
    /* Answers the bytes done, where looking is cheaper than being told. */
    uint64_t (*poll)(void *userdata);
    void *poll_userdata;
};

struct BerthTransfer {
    BerthTransfers *transfers;
    uint64_t number;
    char *kind;          /* fetch, pull, unpack */
    char *reference;     /* as it was asked for */
    uint32_t owner;      /* uid */
    BerthCharge *charge; /* while it runs */
    BerthTransferState state;
    GPtrArray *items; /* of BerthTransferItem, in the order in which they were found */
    GError *error;    /* of a transfer that failed or was cancelled */
    /* The result. */
    char *name;
    BerthDescriptor *target;
    char *chain_id;
    char **damaged;  /* digests; may be NULL */
    char **names;    /* of several images; may be NULL */
    char **warnings; /* of the registry, for a person; may be NULL */
    void (*followed)(struct BerthTransfer *transfer, void *userdata); /* told of its end */
    void *followed_userdata;
    void (*cancel)(void *userdata);
    void *cancel_userdata;
    int64_t expires_usec; /* CLOCK_MONOTONIC; 0 while it runs */
};

typedef void (*BerthTransferObserver)(BerthTransfer *transfer, BerthTransferChange change,
                                      void *userdata);

BerthTransfers *berth_transfers_new(sd_event *event);
void berth_transfers_free(BerthTransfers *transfers);
void berth_transfers_observe(BerthTransfers *transfers, BerthTransferObserver observer,
                             void *userdata);

/* A new transfer; the list owns it. LimitExceeded when too many of this owner run. */
BerthTransfer *berth_transfers_add(BerthTransfers *transfers, const char *kind,
                                   const char *reference, uint32_t owner, GError **error);
BerthTransfer *berth_transfers_find(BerthTransfers *transfers, uint64_t number);
GPtrArray *berth_transfers_list(BerthTransfers *transfers);
unsigned berth_transfers_count_running(BerthTransfers *transfers);

/* An item, owned by the transfer; phases are static strings. */
BerthTransferItem *berth_transfer_add_item(BerthTransfer *transfer, const char *object,
                                           const char *phase, uint64_t total);

/* From now on what is done of an item is the size of a file, or the position in one; the descriptor
 * is looked at each time and stays valid until poll is NULL again. */
void berth_transfer_item_watch_size(BerthTransferItem *item, const int *fd);
void berth_transfer_item_watch_position(BerthTransferItem *item, const int *fd);

/* followed is told when it has ended, before anybody else; one a transfer. */
void berth_transfer_follow(BerthTransfer *transfer,
                           void (*followed)(BerthTransfer *transfer, void *userdata),
                           void *userdata);

/* Ends it: error is taken over; NULL for success. The operation is gone then. */
void berth_transfer_finish(BerthTransfer *transfer, GError *error);
void berth_transfer_cancel(BerthTransfer *transfer);

const char *berth_transfer_get_state(const BerthTransfer *transfer);
void berth_transfer_sum(const BerthTransfer *transfer, uint64_t *done, uint64_t *total);
