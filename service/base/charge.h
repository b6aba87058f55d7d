/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What each user holds of scarce resources, and how much of them a user may hold: every operation,
 * process and descriptor that berthd has for a client is charged to the client's uid before it
 * begins, and released at its end. What is stored is counted where it is stored, and compared with
 * the same limits here. Root is bounded by the totals of all users alone.
 *
 * One table a process; berthd's loop is the only one that uses it.
 */

#pragma once

#include "base/error.h"

typedef enum {
    BERTH_RESOURCE_CALLS,         /* not answered yet */
    BERTH_RESOURCE_QUESTIONS,     /* to registries; a process each */
    BERTH_RESOURCE_READS,         /* of images' documents; a process each */
    BERTH_RESOURCE_COPIES,        /* into and out of containers; a process each */
    BERTH_RESOURCE_LOGS,          /* readers of logs; a process each */
    BERTH_RESOURCE_TRANSFERS,     /* that run */
    BERTH_RESOURCE_WRITES,        /* of ingests; a process each */
    BERTH_RESOURCE_PROCESSES,     /* that were executed in containers, and run */
    BERTH_RESOURCE_DESCRIPTORS,   /* that systemd keeps */
    BERTH_RESOURCE_SUBSCRIPTIONS, /* to events */
    BERTH_RESOURCE_ADDRESSES,     /* in one network that Berth made */
    BERTH_RESOURCE_CONTAINERS,
    BERTH_RESOURCE_VOLUMES,
    BERTH_RESOURCE_LEASES,
    BERTH_RESOURCE_IMAGES,
    BERTH_RESOURCE_INGESTS,
    BERTH_RESOURCE_LABELS,         /* bytes, of containers and leases */
    BERTH_RESOURCE_CONFIGURATIONS, /* bytes, of containers */
    BERTH_RESOURCE_SECRETS,        /* bytes, in memory */
    BERTH_RESOURCE_DISK,           /* bytes, of content, snapshots, containers and volumes */
    BERTH_RESOURCE_COUNT,
} BerthResource;

typedef struct BerthCharge BerthCharge;

/* Charges so much of a resource to uid; LimitExceeded, naming the user, the resource and the limit.
 */
BerthCharge *berth_charge_new(uint32_t uid, BerthResource resource, uint64_t amount,
                              GError **error);
/* The same for what is there in any case: it counts, and the next one is refused. */
BerthCharge *berth_charge_new_forced(uint32_t uid, BerthResource resource, uint64_t amount);
void berth_charge_free(BerthCharge *charge);

/* The amount that uid holds. */
uint64_t berth_charge_get(uint32_t uid, BerthResource resource);

/* For what is counted elsewhere: whether more may be added to what uid has; beside what is charged.
 */
bool berth_charge_check(uint32_t uid, BerthResource resource, uint64_t present, uint64_t more,
                        GError **error);

/* What a user may have; UINT64_MAX for no limit. The key is the one of [Limits] in berth.conf. */
uint64_t berth_charge_get_limit(BerthResource resource);
void berth_charge_set_limit(BerthResource resource, uint64_t limit);
bool berth_charge_find(const char *key, BerthResource *resource);
bool berth_charge_is_bytes(BerthResource resource);
/* As they are without berth.conf. */
void berth_charge_reset_limits(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthCharge, berth_charge_free)
