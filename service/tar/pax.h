/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The records of an extended header (pax(1)): bytes without a character set. An empty value has no
 * effect.
 */

#pragma once

#include "tar/entry.h"

typedef struct {
    int64_t offset, size;
} BerthTarChunk;

typedef struct {
    char *path, *target;
    bool has_uid, has_gid, has_size, has_mtime;
    int64_t uid, gid, size;
    struct timespec mtime;
    BerthTarEntry xattrs; /* only xattrs and ACLs are used */
    /* GNU's sparse files, in three versions. */
    bool is_sparse, has_sparse_size, has_inner_map; /* the map precedes the content */
    char *sparse_path;
    int64_t sparse_size, sparse_offset;
    GArray *chunks; /* of BerthTarChunk */
} BerthTarPax;

/* Adds the records in size bytes of text. False with error if they are malformed. */
bool berth_tar_pax_read(BerthTarPax *pax, const char *text, size_t size, GError **error);
void berth_tar_pax_clear(BerthTarPax *pax);

/* Replaces the fields of the entry that the records name, except for the size. */
void berth_tar_pax_apply(BerthTarPax *pax, BerthTarEntry *entry);

/* Accepts decimal digits and nothing else. */
bool berth_tar_pax_number(const char *text, int64_t *value, GError **error);
