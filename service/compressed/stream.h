/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream that may be compressed, inflated by libarchive as one member without a name. */

#pragma once

#include <archive.h>

/* Returns a reader that is still to be opened, for gzip, bzip2, xz, zstd, and streams that are not
 * compressed. */
struct archive *berth_compressed_new(void);

/* Like archive_read_data_block(3), but a block is never empty. */
int berth_compressed_read_block(struct archive *archive, const void **block, size_t *size);
