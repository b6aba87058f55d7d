/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The configuration: berth.conf and the drop-ins of berth.conf.d, below /usr/lib, /run and /etc
 * (systemd's order: a name in a later one replaces the same in an earlier, and drop-ins come after
 * the file, sorted by name). A key that is wrong is logged with its file and line and left out.
 */

#pragma once

#include "base/charge.h"
#include "base/error.h"

#include <stdint.h>

/* [Registry HOST] */
typedef struct {
    char *host;
    char **mirrors; /* in their order */
    char *location; /* "" where it is the host itself */
    bool insecure, blocked;
} BerthRegistry;

typedef enum { BERTH_POLICY_ACCEPT, BERTH_POLICY_REJECT, BERTH_POLICY_SIGNED } BerthPolicyKind;

/* [Policy] for everything, [Policy PREFIX] for a registry or a part of it. */
typedef struct {
    char *prefix; /* "" for the default */
    BerthPolicyKind kind;
    char **keys; /* paths of public keys, PEM */
} BerthPolicy;

typedef struct {
    GPtrArray *registries; /* of BerthRegistry */
    GPtrArray *policies;   /* of BerthPolicy */
    unsigned parallel_objects, parallel_layers;
    uint64_t bytes_per_second; /* 0: not limited */
    uint64_t max_layer_bytes, max_blob_bytes;
    unsigned connect_timeout, stall_timeout; /* seconds */
    char *proxy, *no_proxy;                  /* "" for what the unit's environment says */
    bool keep_compressed;
    uint64_t limits[BERTH_RESOURCE_COUNT];          /* of a user; 0: as base/charge.c has it */
    uint64_t default_memory_max, default_tasks_max; /* of containers; 0: none */
    uint64_t user_memory_max, user_tasks_max;       /* the same, of containers of users */
} BerthSettings;

/* Reads them; there always is a result. root is "" but in tests. */
BerthSettings *berth_settings_load(const char *root);
void berth_settings_free(BerthSettings *settings);

/* Makes the limits those of the settings. */
void berth_settings_apply_limits(const BerthSettings *settings);

/* The policy for a locator: that of the longest prefix, by whole components. Never NULL. */
const BerthPolicy *berth_settings_find_policy(const BerthSettings *settings, const char *locator);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthSettings, berth_settings_free)
