/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The configuration: berth.conf and drop-ins in berth.conf.d, below /usr/lib, /run and /etc. As in
 * systemd, a file replaces one of the same name in an earlier directory, and drop-ins are read
 * after berth.conf, sorted by name. An invalid key is logged with its file and line, and ignored.
 */

#pragma once

#include "base/charge.h"
#include "base/error.h"

#include <stdint.h>

/* The network that always exists. */
#define BERTH_DEFAULT_NETWORK "berth"

/* A section [Registry HOST]. */
typedef struct {
    char *host;
    char **mirrors; /* in their order */
    char *location; /* "" if it is the host itself */
    bool insecure, blocked;
} BerthRegistry;

typedef enum { BERTH_POLICY_ACCEPT, BERTH_POLICY_REJECT, BERTH_POLICY_SIGNED } BerthPolicyKind;

/* A section [Policy], the default, or [Policy PREFIX], for a registry or a part of it. */
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
    unsigned connect_timeout, stall_timeout, measure_timeout; /* seconds */
    char *proxy, *no_proxy;                                   /* "" to use the unit's environment */
    bool keep_compressed;
    uint64_t limits[BERTH_RESOURCE_COUNT];          /* of a user; 0: the default of base/charge.c */
    uint64_t default_memory_max, default_tasks_max; /* of containers; 0: none */
    uint64_t user_memory_max, user_tasks_max;       /* the same for users' containers */
    char *network; /* of containers whose creator names none; "none" or a name */
} BerthSettings;

/* Reads the files; never fails. root is "" except in tests. */
BerthSettings *berth_settings_load(const char *root);
void berth_settings_free(BerthSettings *settings);

/* Puts the limits into effect. */
void berth_settings_apply_limits(const BerthSettings *settings);

/* The policy with the longest prefix of the locator, by whole components. Never NULL. */
const BerthPolicy *berth_settings_find_policy(const BerthSettings *settings, const char *locator);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthSettings, berth_settings_free)
