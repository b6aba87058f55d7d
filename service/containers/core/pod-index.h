/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An index of the containers in each pod, which saves a search through all containers. */

#pragma once

#include "containers/core/object.h"

/* In the record's extra: the name of its pod. */
#define BERTH_POD "Pod"

GHashTable *berth_pod_index_new(void);
/* Adds a container when it enters the table of all containers. Does nothing if it is in no pod. */
void berth_pod_index_add(BerthContainer *container);
void berth_pod_index_remove(BerthContainer *container);

/* The containers in the pod of that name, in no particular order, or NULL for none. The table of
 * all containers owns them. */
const GPtrArray *berth_pod_index_get(const BerthContainers *containers, const char *pod);
