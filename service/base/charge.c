/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of what users hold: one row per uid that holds anything, with a sum for each resource.
 * A charge is created before its operation begins, is owned by the operation, and ends with it. The
 * one thing to know: the table counts only what is charged; stored objects are counted where they
 * are stored.
 */

#include "base/charge.h"

#include "base/size.h"

#define KIB 1024ull
#define MIB (1024 * KIB)

struct BerthCharge {
    uint32_t uid;
    BerthResource resource;
    uint64_t amount;
};

typedef struct {
    const char *key;  /* in berth.conf */
    const char *name; /* in messages for users */
    uint64_t user, total;
} Definition;

/* The limits for one user, and for all users together. UINT64_MAX: no limit here; stored objects
 * are limited by the disk. */
static const Definition definitions[BERTH_RESOURCE_COUNT] = {
    [BERTH_RESOURCE_CALLS] = {"Calls", "calls that are not answered", 1024, 32768},
    [BERTH_RESOURCE_QUESTIONS] = {"Questions", "questions to registries", 16, 64},
    [BERTH_RESOURCE_READS] = {"Reads", "images being read", 32, 256},
    [BERTH_RESOURCE_COPIES] = {"Copies", "copies into or out of containers", 16, 256},
    [BERTH_RESOURCE_LOGS] = {"Logs", "readers of logs", 32, 256},
    [BERTH_RESOURCE_TRANSFERS] = {"Transfers", "running transfers", 32, 512},
    [BERTH_RESOURCE_WRITES] = {"Writes", "ingests being written", 32, 256},
    [BERTH_RESOURCE_PROCESSES] = {"Processes", "executed processes that run", 1024, 16384},
    /* The total is that of the unit's FileDescriptorStoreMax=. */
    [BERTH_RESOURCE_DESCRIPTORS] = {"Descriptors", "descriptors that systemd keeps", 4096, 8192},
    [BERTH_RESOURCE_SECRETS] = {"Secrets", "bytes of secrets", 64 * MIB, 512 * MIB},
    [BERTH_RESOURCE_SUBSCRIPTIONS] = {"Subscriptions", "subscriptions", 64, 1024},
    /* Per network: a quarter of the default network, which all users share. */
    [BERTH_RESOURCE_ADDRESSES] = {"Addresses", "addresses", 64, UINT64_MAX},
    [BERTH_RESOURCE_CONTAINERS] = {"Containers", "containers", 4096, UINT64_MAX},
    [BERTH_RESOURCE_VOLUMES] = {"Volumes", "volumes", 4096, UINT64_MAX},
    [BERTH_RESOURCE_LEASES] = {"Leases", "leases", 1000, UINT64_MAX},
    [BERTH_RESOURCE_IMAGES] = {"Images", "names of images", 10000, UINT64_MAX},
    [BERTH_RESOURCE_INGESTS] = {"Ingests", "ingests", 256, UINT64_MAX},
    [BERTH_RESOURCE_LABELS] = {"Labels", "bytes of labels", 16 * MIB, UINT64_MAX},
    [BERTH_RESOURCE_CONFIGURATIONS] = {"Configurations", "bytes of configurations", 256 * MIB,
                                       UINT64_MAX},
    [BERTH_RESOURCE_DISK] = {"Disk", "bytes on disk", UINT64_MAX, UINT64_MAX},
};

static uint64_t limits[BERTH_RESOURCE_COUNT]; /* per user; 0: as in the definition */
static uint64_t totals[BERTH_RESOURCE_COUNT];
static GHashTable *users; /* uid → uint64_t[BERTH_RESOURCE_COUNT] */

/* Returns the row of a user; NULL if the user holds nothing and make is false. */
static uint64_t *find_charged_user(uint32_t uid, bool make) {
    if (!users)
        users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    uint64_t *held = g_hash_table_lookup(users, GUINT_TO_POINTER(uid));
    if (!held && make) {
        held = g_new0(uint64_t, BERTH_RESOURCE_COUNT);
        g_hash_table_insert(users, GUINT_TO_POINTER(uid), held);
    }
    return held;
}

/* Keeps the table from growing with every user that has ever called. */
static void forget_if_empty(uint32_t uid, const uint64_t *held) {
    for (size_t i = 0; i < BERTH_RESOURCE_COUNT; i++)
        if (held[i] > 0)
            return;
    g_hash_table_remove(users, GUINT_TO_POINTER(uid));
}

uint64_t berth_charge_get_limit(BerthResource resource) {
    return limits[resource] ? limits[resource] : definitions[resource].user;
}

void berth_charge_set_limit(BerthResource resource, uint64_t limit) {
    limits[resource] = limit;
}

void berth_charge_reset_limits(void) {
    for (size_t i = 0; i < BERTH_RESOURCE_COUNT; i++)
        limits[i] = 0;
}

bool berth_charge_find(const char *key, BerthResource *resource) {
    for (size_t i = 0; i < BERTH_RESOURCE_COUNT; i++)
        if (g_str_equal(definitions[i].key, key)) {
            *resource = (BerthResource)i;
            return true;
        }
    return false;
}

bool berth_charge_is_bytes(BerthResource resource) {
    return resource >= BERTH_RESOURCE_LABELS;
}

uint64_t berth_charge_get(uint32_t uid, BerthResource resource) {
    const uint64_t *held = find_charged_user(uid, false);

    return held ? held[resource] : 0;
}

/* present is what the user has without charges, such as rows of berth.db. Root has no limit of its
 * own, but counts towards the total. The subtractions cannot wrap around, since each follows a
 * comparison. */
bool berth_charge_check(uint32_t uid, BerthResource resource, uint64_t present, uint64_t more,
                        GError **error) {
    const Definition *definition = &definitions[resource];
    uint64_t limit = berth_charge_get_limit(resource);
    uint64_t held = present;

    berth_size_add(&held, berth_charge_get(uid, resource));
    if (totals[resource] > definition->total || more > definition->total - totals[resource])
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "all users together have %" G_GUINT64_FORMAT
                               " %s; the limit is %" G_GUINT64_FORMAT,
                               totals[resource], definition->name, definition->total);
    if (uid != 0 && (held > limit || more > limit - held))
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "user %u has %" G_GUINT64_FORMAT
                               " %s and asks for %" G_GUINT64_FORMAT
                               " more; the limit is %" G_GUINT64_FORMAT,
                               uid, held, definition->name, more, limit);
    return true;
}

/* For resources that are already in use, or that the caller has checked together with uncharged
 * ones. */
BerthCharge *berth_charge_new_forced(uint32_t uid, BerthResource resource, uint64_t amount) {
    BerthCharge *charge = g_new0(BerthCharge, 1);

    *charge = (BerthCharge){uid, resource, amount};
    find_charged_user(uid, true)[resource] += amount;
    totals[resource] += amount;
    return charge;
}

BerthCharge *berth_charge_new(uint32_t uid, BerthResource resource, uint64_t amount,
                              GError **error) {
    return berth_charge_check(uid, resource, 0, amount, error)
               ? berth_charge_new_forced(uid, resource, amount)
               : NULL;
}

/* A sum that would become negative is a programming error: a charge was freed twice. */
void berth_charge_free(BerthCharge *charge) {
    if (!charge)
        return;
    uint64_t *held = find_charged_user(charge->uid, true);
    g_assert(held[charge->resource] >= charge->amount &&
             totals[charge->resource] >= charge->amount);
    held[charge->resource] -= charge->amount;
    totals[charge->resource] -= charge->amount;
    forget_if_empty(charge->uid, held);
    g_free(charge);
}
