/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A handle refers to one container for as long as the service runs, even after a rename. It is for
 * requests that are answered later: by then, the container may have been deleted, and its id may
 * belong to another one, which another user has created. It needs no freeing.
 */

#pragma once

#include "containers/core/object.h"

typedef struct {
    BerthContainers *containers;
    uint64_t number;
} BerthContainerHandle;

BerthContainerHandle berth_container_get_handle(const BerthContainer *container);

/* The container, or NULL if it has been deleted; then with NotFound for this id. */
BerthContainer *berth_container_handle_find(const BerthContainerHandle *handle, const char *id,
                                            GError **error);
