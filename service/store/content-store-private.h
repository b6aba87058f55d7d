/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of the content store shared by its two files: content-store.c has the blobs,
 * ingest-store.c the ingests.
 */

#pragma once

#include "store/content-store.h"

#include <time.h>

enum { BERTH_ALGORITHMS = BERTH_ALGORITHM_SHA512 + 1 };

struct BerthContentStore {
    BerthDatabase *database;
    int content;
    int blobs[BERTH_ALGORITHMS];
    int ingests;
};

/* Finds the place of a blob: the descriptor of its algorithm's directory, and its file name, which
 * points into digest. */
bool berth_content_store_locate(BerthContentStore *store, const char *digest, int *directory,
                                const char **name, GError **error);
/* Removes the row and the directory of an ingest, by the name of its directory. */
bool berth_content_store_remove_ingest(BerthContentStore *store, const char *name, GError **error);
uint64_t berth_content_store_to_usec(struct timespec time);
