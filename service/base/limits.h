/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every limit of what comes over the bus, goes back over it, or is kept for a user, in one place
 * (docs/limits.md shows it). Which argument or option has which is the table in bus/limits.c. What
 * an owner may have in all is a default of [Limits] in berth.conf (base/charge.h).
 */

#pragma once

/* One message. The bus takes 32 MiB or more from the service and disconnects it beyond that;
 * messages stay far below. */
#define BERTH_MAX_CALL_BYTES (3u * 1024 * 1024)
#define BERTH_MAX_REPLY_BYTES (1024u * 1024)

/* The one reply with a whole config.json in it, indented: the inspection of a container. */
#define BERTH_MAX_INSPECTION_BYTES (8u * 1024 * 1024)

/* What of a reply one item of a listing, or all properties of one object, may take; what is in the
 * database from before and larger is cut. */
#define BERTH_MAX_ITEM_BYTES (192u * 1024)

/* A string, and an array or dictionary, of which the table says nothing else. */
#define BERTH_MAX_TEXT_BYTES 4096u
#define BERTH_MAX_LIST_ITEMS 1024u
#define BERTH_MAX_LIST_BYTES (256u * 1024)

/* Labels of one object, keys and values together; what an image has beyond that its containers do
 * not take over. */
#define BERTH_MAX_LABELS 1024u
#define BERTH_MAX_LABEL_BYTES (32u * 1024)
#define BERTH_MAX_LABELS_BYTES (64u * 1024)

/* An argument or a variable (the kernel's MAX_ARG_STRLEN), and all of them: what execve() takes of
 * both together, with a pointer each, where the stack may have the usual 8 MiB. */
#define BERTH_MAX_ARGUMENT_BYTES (128u * 1024)
#define BERTH_MAX_ARGUMENTS 65536u
#define BERTH_MAX_ARGUMENTS_BYTES (2u * 1024 * 1024)

/* What the health of a container is checked with is in berth.db. */
#define BERTH_MAX_HEALTH_ARGUMENTS 4096u

#define BERTH_MAX_SPEC_BYTES (512u * 1024)
#define BERTH_MAX_PROFILE_BYTES (256u * 1024)
/* What is written of these and of the image's, config.json: as large as a document may be
 * (BERTH_DOCUMENT_MAX_BYTES), since it is read as one. */
#define BERTH_MAX_CONFIG_BYTES (4u * 1024 * 1024)
#define BERTH_MAX_CREDENTIAL_BYTES (64u * 1024)
#define BERTH_MAX_MOUNTS 512u

/* Secrets of a container: their number, each, and all of them, as they are kept in memory. */
#define BERTH_MAX_SECRETS 64u
#define BERTH_MAX_SECRET_BYTES (1024u * 1024)
#define BERTH_MAX_SECRETS_BYTES (4u * 1024 * 1024)

/* The message of an error. */
#define BERTH_MAX_ERROR_BYTES 4096u
