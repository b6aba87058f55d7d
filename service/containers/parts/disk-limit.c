/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The limit of what a user has on disk, as the last measurements say (disk.c). */

#include "containers/parts/disk-limit.h"

#include "containers/core/object.h"

bool berth_disk_check(BerthContainers *containers, uint32_t owner, GError **error) {
    BerthContents *contents = containers->images->contents;
    uint64_t left;

    return berth_content_store_check_disk(berth_contents_get_store(contents), "", owner, 0, &left,
                                          error);
}
