/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/object.h"

/* The bytes of the labels of all containers of an owner. */
uint64_t berth_containers_sum_labels(BerthContainers *containers, uint32_t owner);

/* A charge for one more container, to be freed once that is in the table; NULL with LimitExceeded.
 */
BerthCharge *berth_containers_take_quota(BerthContainers *containers, uint32_t owner,
                                         GError **error);

/* Whether the owner may have this configuration and these labels besides. */
bool berth_containers_check_bytes(BerthContainers *containers, uint32_t owner, const char *config,
                                  char *const *labels, GError **error);
