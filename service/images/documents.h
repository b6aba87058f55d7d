/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An image's documents, as berth-inspect reports them. */

#pragma once

#include "base/descriptor.h"
#include "base/platform.h"
#include "worker/worker.h"

typedef struct {
    BerthDescriptor *descriptor;
    BerthPlatform *platform;
    bool attestation;
} BerthIndexedManifest;

typedef struct {
    bool is_index;
    GPtrArray *entries;      /* of BerthIndexedManifest */
    BerthDescriptor *config; /* of a manifest */
    GPtrArray *layers;       /* of BerthDescriptor, lowest first */
    GHashTable *embedded;    /* digest → GBytes: claimed to be its content, and not verified */
} BerthDocument;

/* The part of an image configuration that is needed to run it. Vectors are never NULL. */
typedef struct {
    char *manifest_digest, *config_digest;
    char *chain_id; /* of the topmost layer; "" for an image without layers */
    char *os, *architecture, *variant;
    char **diff_ids;
    char **entrypoint, **command, **environment, **volumes, **ports, **labels;
    char *user, *working_directory, *stop_signal;
    /* Interval, time-out, start period (ns), retries, then the test; empty without one, NULL if
     * it was not read. */
    char **health;
} BerthImageInfo;

/* The reply of berth-inspect to Manifest. */
BerthDocument *berth_document_read_reply(sd_bus_message *reply, GError **error);
void berth_document_free(BerthDocument *document);

/* The error for a manifest of anything but an image (an OCI artifact). */
void berth_document_set_artifact_error(const BerthDocument *manifest, GError **error);

/* The entry of an index for a platform; NotFound lists the platforms that there are. */
const BerthDescriptor *berth_document_choose(const BerthDocument *index,
                                             const BerthPlatform *platform, GError **error);

BerthImageInfo *berth_image_info_read_reply(sd_bus_message *reply, const char *manifest_digest,
                                            const char *config_digest, GError **error);
void berth_image_info_free(BerthImageInfo *info);

/* "linux/arm64/v8". Caller frees. */
char *berth_image_info_format_platform(const BerthImageInfo *info);

/* As text for berth.db, and back. */
char *berth_image_info_format(const BerthImageInfo *info);
BerthImageInfo *berth_image_info_parse(const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthDocument, berth_document_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthImageInfo, berth_image_info_free)
