/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the documents of an image: index, manifest and configuration, Docker schema 2 and OCI. The
 * results have been checked: digests are complete, media types well formed, sizes limited.
 */

#pragma once

#include "base/descriptor.h"
#include "base/platform.h"

#include <json-c/json.h>

typedef struct {
    BerthDescriptor *descriptor;
    BerthPlatform *platform; /* NULL if the index states none */
    bool attestation;        /* describes another entry and cannot be run */
} BerthIndexEntry;

/* Content embedded in the document itself ("data" in descriptor.md). Its length has been checked,
 * but not its digest. */
typedef struct {
    char *digest;
    uint8_t *data;
    size_t size;
} BerthEmbeddedContent;

typedef struct {
    BerthKind kind;          /* index or manifest */
    GPtrArray *entries;      /* index: of BerthIndexEntry */
    BerthDescriptor *config; /* manifest */
    GPtrArray *layers;       /* manifest: of BerthDescriptor */
    GPtrArray *titles;       /* of each layer: a file name, or "" */
    GPtrArray *embedded;     /* of BerthEmbeddedContent */
} BerthManifest;

/* media_type comes from the descriptor; the document's own must not contradict it. */
BerthManifest *berth_manifest_read(const char *data, size_t size, const char *media_type,
                                   GError **error);
void berth_manifest_free(BerthManifest *manifest);

/* The part of an image configuration that concerns running it. Vectors are never NULL. */
typedef struct {
    BerthPlatform *platform;
    char **diff_ids;
    char **entrypoint, **command, **environment, **volumes, **ports;
    char **labels; /* key, value, key, value … */
    char *user, *working_directory, *stop_signal;
    /* Docker's Healthcheck: interval, time-out, start period (nanoseconds) and retries as numbers;
     * then its Test ("CMD", …, or "CMD-SHELL", TEXT). Empty if there is none. */
    char **health;
    uint64_t start_interval_nsec; /* of the health check; 0: the default */
} BerthImageConfig;

/* Reads an image configuration. NULL with error. */
BerthImageConfig *berth_image_config_read(const char *data, size_t size, GError **error);
void berth_image_config_free(BerthImageConfig *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthManifest, berth_manifest_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthImageConfig, berth_image_config_free)
