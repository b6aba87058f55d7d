/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/object.h"

/* Finds BERTH_IDS_COUNT host ids that nobody uses. Returns the first one, or 0 with error. */
uint32_t berth_ids_allocate(BerthContainers *containers, const char *id, GError **error);
