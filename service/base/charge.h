/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Limits on scarce resources per user: every operation, process and descriptor that berthd has on
 * behalf of a client is charged to the client's uid before it is created, and released when it
 * ends. Stored objects are counted where they are stored, and compared with the same limits here.
 * Root is limited only by the totals over all users.
 *
 * There is one table per process, used only by berthd's loop.
 */

#pragma once

#include "base/error.h"

typedef enum {
    BERTH_RESOURCE_CALLS,         /* unanswered calls */
    BERTH_RESOURCE_QUESTIONS,     /* queries to registries; one process each */
    BERTH_RESOURCE_READS,         /* reads of image documents; one process each */
    BERTH_RESOURCE_COPIES,        /* copies into and out of containers; one process each */
    BERTH_RESOURCE_LOGS,          /* log readers; one process each */
    BERTH_RESOURCE_TRANSFERS,     /* running transfers */
    BERTH_RESOURCE_WRITES,        /* ingests being written; one process each */
    BERTH_RESOURCE_PROCESSES,     /* running processes started in containers by Exec */
    BERTH_RESOURCE_DESCRIPTORS,   /* descriptors kept by systemd */
    BERTH_RESOURCE_SUBSCRIPTIONS, /* subscriptions to events */
    BERTH_RESOURCE_ADDRESSES,     /* in one network created by Berth */
    BERTH_RESOURCE_CONTAINERS,
    BERTH_RESOURCE_VOLUMES,
    BERTH_RESOURCE_LEASES,
    BERTH_RESOURCE_IMAGES,
    BERTH_RESOURCE_INGESTS,
    BERTH_RESOURCE_LABELS,         /* bytes, for containers and leases */
    BERTH_RESOURCE_CONFIGURATIONS, /* bytes, for containers */
    BERTH_RESOURCE_SECRETS,        /* bytes, in memory */
    BERTH_RESOURCE_DISK,           /* bytes, for content, snapshots, containers and volumes */
    BERTH_RESOURCE_COUNT,
} BerthResource;

typedef struct BerthCharge BerthCharge;

/* Charges an amount of a resource to uid. Fails with LimitExceeded, naming the user, the resource
 * and the limit. */
BerthCharge *berth_charge_new(uint32_t uid, BerthResource resource, uint64_t amount,
                              GError **error);
/* Like berth_charge_new, for a resource that is used in any case: never fails, but counts towards
 * the limit of the next charge. */
BerthCharge *berth_charge_new_forced(uint32_t uid, BerthResource resource, uint64_t amount);
/* Releases the amount; NULL is ignored. */
void berth_charge_free(BerthCharge *charge);

/* Returns the amount charged to uid. */
uint64_t berth_charge_get(uint32_t uid, BerthResource resource);

/* For resources counted elsewhere: checks whether more may be added to the present amount, which is
 * in addition to what is charged. */
bool berth_charge_check(uint32_t uid, BerthResource resource, uint64_t present, uint64_t more,
                        GError **error);

/* The limit of one user; UINT64_MAX: none. The key is that of [Limits] in berth.conf. */
uint64_t berth_charge_get_limit(BerthResource resource);
void berth_charge_set_limit(BerthResource resource, uint64_t limit);
/* Looks up the resource for a key of [Limits]. Returns false if there is none. */
bool berth_charge_find(const char *key, BerthResource *resource);
/* Whether amounts of the resource are in bytes; otherwise they are numbers of objects. */
bool berth_charge_is_bytes(BerthResource resource);
/* Restores the limits that apply without berth.conf. */
void berth_charge_reset_limits(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthCharge, berth_charge_free)
