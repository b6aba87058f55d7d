/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The 512-byte block before a member: in the format of ustar (POSIX), GNU, star or Version 7. */

#pragma once

#include "tar/entry.h"

enum { BERTH_TAR_BLOCK_BYTES = 512 };

typedef struct {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
    char type;
    char target[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8];
    char rest[167]; /* the name's prefix, or whatever else the format has there */
} BerthTarHeader;

G_STATIC_ASSERT(sizeof(BerthTarHeader) == BERTH_TAR_BLOCK_BYTES);

/* Whether the block is all zeros, which ends a tar; whether it has GNU's magic; and whether its
 * checksum is right, false with error. */
bool berth_tar_header_is_zero(const BerthTarHeader *header);
bool berth_tar_header_is_gnu(const BerthTarHeader *header);
bool berth_tar_header_check(const BerthTarHeader *header, GError **error);

/* Parses a number in octal digits, or in base 256 if its first bit is set. */
bool berth_tar_header_number(const char *field, size_t size, int64_t *value, GError **error);

/* Fills the entry with everything that the block alone says; the size is the stored one. */
bool berth_tar_header_read(const BerthTarHeader *header, BerthTarEntry *entry, GError **error);

/* Fills in the checksum once everything else has been written. */
void berth_tar_header_seal(BerthTarHeader *header);
