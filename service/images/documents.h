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
    BerthDescriptor *config; /* manifest only */
    GPtrArray *layers;       /* of BerthDescriptor, lowest first */
    char **titles;           /* of each layer: a file name, or "" */
    GHashTable *embedded;    /* digest → GBytes: the claimed content, unverified */
} BerthDocument;

/* The part of an image configuration that is needed to run the image. Vectors are never NULL. */
typedef struct {
    char *manifest_digest, *config_digest;
    char *chain_id; /* of the topmost layer; "": no layers */
    char *os, *architecture, *variant;
    char **diff_ids;
    char **entrypoint, **command, **environment, **volumes, **ports, **labels;
    char *user, *working_directory, *stop_signal;
    /* Interval, timeout, start period (ns), retries, then the test; empty: the image has none;
     * NULL: it was not read. */
    char **health;
    uint64_t start_interval_nsec; /* of the health check; 0: the default */
} BerthImageInfo;

/* Reads the reply of berth-inspect to Manifest. */
BerthDocument *berth_document_read_reply(sd_bus_message *reply, GError **error);
void berth_document_free(BerthDocument *document);

/* Checks that the text of the document contains each digest to which berth-inspect says it refers.
 * Sets an error for a malformed reply if it does not. */
bool berth_document_is_in_text(const BerthDocument *document, const char *text, size_t size,
                               GError **error);

/* Sets the error for a manifest of anything other than an image (an OCI artifact). */
void berth_document_set_artifact_error(const BerthDocument *manifest, GError **error);

/* Returns the entry of an index for a platform. The error NotFound lists the available
 * platforms. */
const BerthDescriptor *berth_document_choose(const BerthDocument *index,
                                             const BerthPlatform *platform, GError **error);

BerthImageInfo *berth_image_info_read_reply(sd_bus_message *reply, const char *manifest_digest,
                                            const char *config_digest, GError **error);
void berth_image_info_free(BerthImageInfo *info);

/* Returns a platform in the form "linux/arm64/v8". The caller frees it. */
char *berth_image_info_format_platform(const BerthImageInfo *info);

/* Convert to the text stored in berth.db, and back. */
char *berth_image_info_format(const BerthImageInfo *info);
BerthImageInfo *berth_image_info_parse(const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthDocument, berth_document_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthImageInfo, berth_image_info_free)
