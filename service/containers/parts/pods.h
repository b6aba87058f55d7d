/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pods: a container that holds namespaces (core/pod.h), and those that have joined it. All of them
 * have one owner. The end of a pod stops its containers; the end of its last container stops the
 * pod, if its exit policy says so; and a pod that is stopped waits for its containers.
 */

#pragma once

#include "containers/core/part.h"

extern const BerthPart berth_pods_part;

/* For Create: what the pod that the options name decides becomes part of them. NotFound for a pod
 * that is not of their owner. */
bool berth_pod_join(BerthContainers *containers, BerthCreateOptions *options, GError **error);

/* Before the record of that container is made, with nothing that waits in between: whether that pod
 * is still there. */
bool berth_pod_check_joined(BerthContainers *containers, const BerthCreateOptions *options,
                            GError **error);

/* The pod of this name; NULL with NotFound. */
BerthContainer *berth_pods_find(BerthContainers *containers, const char *name, GError **error);
/* The containers in a pod, of BerthContainer, oldest first. Caller unrefs. */
GPtrArray *berth_pod_list_containers(const BerthContainer *pod);
/* "stop" or "continue"; and the name of the host. Caller frees. */
char *berth_pod_get_exit_policy(const BerthContainer *pod);
char *berth_pod_get_hostname(const BerthContainer *pod);

/* Stops its containers and, when they have ended, the pod. timeout_usec: for each; UINT64_MAX: its
 * own. */
void berth_pod_stop(BerthContainer *pod, uint64_t timeout_usec);
/* Removes the pod. force: with its containers, whether they run or not; InUse if there are any
 * without it. */
void berth_pod_remove(BerthContainer *pod, bool force, BerthContainerExited removed,
                      void *userdata);

/* In the record's extra. */
#define BERTH_POD_HOSTNAME "Hostname"
