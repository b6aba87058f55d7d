/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pod that a container is in: a container that holds its network, its IPC objects, its host
 * name and its users. See parts/pods.h for what they do to each other. */

#pragma once

#include "containers/core/pod-index.h"

/* In the record's extra, of a pod alone: what it does when its last container has ended, by name.
 */
#define BERTH_POD_EXIT_POLICY "ExitPolicy"

/* Whether it is a pod itself. */
bool berth_container_is_pod(const BerthContainer *container);
/* The name of its pod; NULL for a container without one. Caller frees. */
char *berth_container_get_pod(const BerthContainer *container);

/* For its start: the directory in /proc of the first process of its pod. -1 with error unless that
 * runs, and -1 without error if it is in no pod. */
int berth_container_open_pod(const BerthContainer *container, GError **error);
