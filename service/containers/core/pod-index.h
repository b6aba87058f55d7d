/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which containers are in which pod, so that nobody looks through all of them for each pod. */

#pragma once

#include "containers/core/object.h"

/* In the record's extra: the name of its pod. */
#define BERTH_POD "Pod"

GHashTable *berth_pod_index_new(void);
/* While a container is in the table of all. Nothing is done for one that is in no pod. */
void berth_pod_index_add(BerthContainer *container);
void berth_pod_index_remove(BerthContainer *container);

/* The containers in the pod of that name, in no order; NULL for none. They are the table's. */
const GPtrArray *berth_pod_index_get(const BerthContainers *containers, const char *pod);
