/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The secrets of a container as one file in memory: for each a header and then its bytes, up to the
 * end of the file. berth-ingest writes it from the caller's descriptors, berthd keeps it sealed and
 * never reads it, and berth-launch writes the files that are in it.
 */

#pragma once

#include <stdint.h>

/* Where they are in a container, each in a file of its name. */
#define BERTH_SECRETS_DIRECTORY "/run/secrets"

enum { BERTH_SECRET_NAME_BYTES = 256 };

typedef struct {
    char name[BERTH_SECRET_NAME_BYTES]; /* ends with a zero */
    uint64_t size;
} BerthSecretHeader;
