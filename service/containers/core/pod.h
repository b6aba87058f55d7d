/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The pod that a container is in: another container that holds the network, the IPC objects, the
 * host name and the users of the pod. parts/pods.h says how the two affect each other.
 */

#pragma once

#include "containers/core/pod-index.h"

/* In the record's extra, for pods only: the name of the action taken when its last container has
 * ended. */
#define BERTH_POD_EXIT_POLICY "ExitPolicy"

/* Returns true if the container is itself a pod. */
bool berth_container_is_pod(const BerthContainer *container);
/* The name of its pod, or NULL if it is in none. The caller frees it. */
char *berth_container_get_pod(const BerthContainer *container);
/* In the record's extra: when the container was created whose network this one joins, in µs. A
 * later one may have its name, but other users and another owner's permission. */
#define BERTH_JOINED_CREATED "JoinedCreated"

/* The container whose network it joins, if that is still the one of its creation; otherwise NULL.
 */
const BerthContainer *berth_container_find_joined(const BerthContainer *container);
/* The container that has the network: its pod, the container whose network it joins or that one's
 * pod, or else the container itself. */
const BerthContainer *berth_container_get_network_holder(const BerthContainer *container);

/* For Create: sets what a container gets from its pod, or from the container whose network it
 * joins: its ids, its networks and the time of its creation. */
void berth_container_share(const BerthContainer *other, BerthCreateOptions *options);

/* For a start: opens the /proc directory of the first process of the pod, or of the container whose
 * network it joins. Returns -1 with error if that process is not running, and -1 without error if
 * there is neither. */
int berth_container_open_pod(const BerthContainer *container, GError **error);
