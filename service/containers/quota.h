/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/object.h"

/* The size of the labels of all containers of an owner, in bytes. */
uint64_t berth_containers_sum_labels(BerthContainers *containers, uint32_t owner);

/* A charge for one more container, which the caller frees once the container is in the table; NULL
 * with LimitExceeded. */
BerthCharge *berth_containers_take_quota(BerthContainers *containers, uint32_t owner,
                                         GError **error);

/* Checks that this configuration and these labels fit within the owner's limits. */
bool berth_containers_check_bytes(BerthContainers *containers, uint32_t owner, const char *config,
                                  char *const *labels, GError **error);
