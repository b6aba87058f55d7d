/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds a container by the number that it got when it was created or recovered. There is no state
 * here: the service's table of numbers owns nothing, and each container is in it until it is freed.
 * Numbers are not recorded, and never used twice.
 */

#include "containers/core/handle.h"

BerthContainerHandle berth_container_get_handle(const BerthContainer *container) {
    return (BerthContainerHandle){container->containers, container->number};
}

BerthContainer *berth_container_handle_find(const BerthContainerHandle *handle, const char *id,
                                            GError **error) {
    BerthContainer *container = g_hash_table_lookup(handle->containers->by_number, &handle->number);

    if (!container)
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no container \"%.100s\"", id);
    return container;
}
