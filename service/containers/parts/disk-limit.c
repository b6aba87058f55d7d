/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The limit of what a user has on disk, as the last measurements say (disk.c). */

#include "containers/parts/disk-limit.h"

#include "base/project-quota.h"
#include "containers/core/object.h"

/* The limit of a project is the whole of Disk=, without what the owner has outside of it, in
 * content: it stops a container that fills the disk before it is measured. */
void berth_disk_bound(int directory, uint32_t owner) {
    (void)berth_project_assign(directory, owner, berth_charge_get_limit(BERTH_RESOURCE_DISK));
}

bool berth_disk_check(BerthContainers *containers, uint32_t owner, GError **error) {
    BerthContents *contents = containers->images->contents;
    uint64_t left;

    return berth_content_store_check_disk(berth_contents_get_store(contents), "", owner, 0, &left,
                                          error);
}
