/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The limit on a user's disk usage, according to the last measurements (disk.c). There is no state
 * here.
 */

#include "containers/parts/disk-limit.h"

#include "base/project-quota.h"
#include "containers/core/object.h"

/* The project's limit is all of Disk=, regardless of what the owner has outside the project, in the
 * content store. It stops a container that fills the disk before the next measurement. */
void berth_disk_bound(int directory, uint32_t owner) {
    (void)berth_project_assign(directory, owner, berth_charge_get_limit(BERTH_RESOURCE_DISK));
}

bool berth_disk_check(BerthContainers *containers, uint32_t owner, GError **error) {
    BerthContents *contents = containers->images->contents;
    uint64_t left;

    return berth_content_store_check_disk(berth_contents_get_store(contents), "", owner, 0, &left,
                                          error);
}
