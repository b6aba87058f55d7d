/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "compressed/stream.h"

/* Only these filters are enabled; some others in libarchive run programs (grzip, lrzip). The raw
 * format makes the inflated stream one member. */
struct archive *berth_compressed_new(void) {
    struct archive *archive = archive_read_new();

    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_format_raw(archive);
    return archive;
}

int berth_compressed_read_block(struct archive *archive, const void **block, size_t *size) {
    la_int64_t offset;
    int r;

    /* An empty block is not the end. */
    do
        r = archive_read_data_block(archive, block, size, &offset);
    while (r == ARCHIVE_OK && *size == 0);
    return r;
}
