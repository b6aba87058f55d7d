/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads a tar, member by member, from blocks that the caller fetches. Names and targets are the
 * bytes of the archive; numbers and times are exact. Sparse files are returned as their parts.
 */

#pragma once

#include "tar/entry.h"

typedef struct BerthTarReader BerthTarReader;

/* Returns the next block of the tar, valid until the next call; 0 at its end. */
typedef size_t (*BerthTarFetch)(void *userdata, const void **block);

/* Makes a reader, which reads nothing yet. */
BerthTarReader *berth_tar_reader_new(BerthTarFetch fetch, void *userdata);
void berth_tar_reader_free(BerthTarReader *reader);

/* Reads the next member and skips the rest of the previous one; more is false at the end. */
bool berth_tar_reader_next(BerthTarReader *reader, BerthTarEntry *entry, bool *more,
                           GError **error);

/* A part of the current member's content and its offset; size is 0 at its end. */
bool berth_tar_reader_data(BerthTarReader *reader, const void **data, size_t *size, int64_t *offset,
                           GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthTarReader, berth_tar_reader_free)
