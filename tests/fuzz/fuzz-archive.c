/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads an image archive with any compression, and extracts its files. */

#include "archive/archive.h"
#include "base/fd.h"
#include "fuzz.h"

#include <glib.h>

enum { LIMIT = 1024 * 1024, MAX_MEMBERS = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    berth_autofd int input = berth_fd_new_in_memory(data, size, NULL);
    berth_autofd int output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    g_autoptr(BerthArchiveReader) reader =
        berth_archive_reader_new(berth_fd_steal(&input), false, NULL);
    bool more = reader != NULL;

    for (unsigned count = 0; more && count < MAX_MEMBERS; count++) {
        g_auto(BerthArchiveMember) member = {0};
        uint64_t extracted;
        if (!berth_archive_reader_next(reader, &more, &member, NULL) ||
            (more && member.is_file &&
             !berth_archive_reader_extract(reader, output, LIMIT, &extracted, NULL)))
            break;
    }
    return 0;
}
