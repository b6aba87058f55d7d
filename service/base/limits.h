/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All limits on data that is received over the bus, sent over it, or kept for a user
 * (docs/limits.md lists them). The table in bus/limits.c assigns them to arguments and options.
 * Totals per user are defaults of [Limits] in berth.conf (base/charge.h).
 */

#pragma once

/* BERTH_MAX_LAYERS, which berth-launch needs without the rest of base/. */
#include "bare/overlay.h"

/* One message. The bus accepts at least 32 MiB from the service and disconnects it beyond that;
 * messages stay far below. */
#define BERTH_MAX_CALL_BYTES (3u * 1024 * 1024)
#define BERTH_MAX_REPLY_BYTES (1024u * 1024)

/* The one reply that contains a whole config.json, indented: the inspection of a container. */
#define BERTH_MAX_INSPECTION_BYTES (8u * 1024 * 1024)

/* The share of a reply that one item of a listing, or all properties of one object, may take.
 * Larger data that an older version has stored in the database is truncated. */
#define BERTH_MAX_ITEM_BYTES (192u * 1024)

/* A string, and an array or dictionary, unless the table says otherwise. */
#define BERTH_MAX_TEXT_BYTES 4096u
#define BERTH_MAX_LIST_ITEMS 1024u
#define BERTH_MAX_LIST_BYTES (256u * 1024)

/* Labels of one object, keys and values together. Labels of an image beyond these limits are not
 * inherited by its containers. */
#define BERTH_MAX_LABELS 1024u
#define BERTH_MAX_LABEL_BYTES (32u * 1024)
#define BERTH_MAX_LABELS_BYTES (64u * 1024)

/* An argument or environment variable (the kernel's MAX_ARG_STRLEN), and all of them: what execve()
 * accepts for both together, including a pointer for each, if the stack limit is the usual 8
 * MiB. */
#define BERTH_MAX_ARGUMENT_BYTES (128u * 1024)
#define BERTH_MAX_ARGUMENTS 65536u
#define BERTH_MAX_ARGUMENTS_BYTES (2u * 1024 * 1024)

/* A container's health command is stored in berth.db, hence the lower limit. */
#define BERTH_MAX_HEALTH_ARGUMENTS 4096u

/* A JSON document: a manifest, an index or a configuration. It is the limit that registries use for
 * manifests, and applies to everything that base/document.h parses and that workers reply. */
#define BERTH_MAX_DOCUMENT_BYTES (4u * 1024 * 1024)

/* Elements of a list in an image's configuration, and in the reply of a worker. */
#define BERTH_MAX_REPLY_ITEMS 20000u
/* Each part of a platform: os, architecture and variant. */
#define BERTH_MAX_PLATFORM_BYTES 255u

#define BERTH_MAX_SPEC_BYTES (512u * 1024)
#define BERTH_MAX_PROFILE_BYTES (256u * 1024)
/* Objects and arrays in each of the two, which berthd parses before it knows whether the caller has
 * any permission: they take at most 13 MiB. */
#define BERTH_MAX_SPEC_OBJECTS 16384u
/* The config.json generated from these and from the image's configuration, which is read as a
 * document. */
#define BERTH_MAX_CONFIG_BYTES BERTH_MAX_DOCUMENT_BYTES
#define BERTH_MAX_CREDENTIAL_BYTES (64u * 1024)

/* Mounts and Binds of a container: each list, and both together. */
#define BERTH_MAX_MOUNTS 512u
/* Each of MaskedPaths and UnmaskedPaths; a path is a mount of the container. */
#define BERTH_MAX_HIDDEN_PATHS 64u

/* Secrets of a container, which are kept in memory: how many, the size of each, and the total
 * size. */
#define BERTH_MAX_SECRETS 64u
#define BERTH_MAX_SECRET_BYTES (1024u * 1024)
#define BERTH_MAX_SECRETS_BYTES (4u * 1024 * 1024)

/* The message of an error. */
#define BERTH_MAX_ERROR_BYTES 4096u
