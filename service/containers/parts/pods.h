/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pods: a container that holds namespaces (core/pod.h), and the containers that have joined it. All
 * of them have the same owner. When a pod ends, its containers are stopped; when its last container
 * ends, the pod is stopped if its exit policy says so; and a pod that is being stopped waits for
 * its containers.
 */

#pragma once

#include "containers/core/part.h"

extern const BerthPart berth_pods_part;

/* For Create: sets the options that the pod determines. InvalidArgument if the caller has set one
 * of them; NotFound if the pod does not exist or has another owner. */
bool berth_pod_join(BerthContainers *containers, BerthCreateOptions *options, GError **error);

/* Checks that the pod is still the same. Called right before the record of the container is
 * created, with nothing asynchronous in between. */
bool berth_pod_check_joined(BerthContainers *containers, const BerthCreateOptions *options,
                            GError **error);

/* The pod of this name, or NULL with NotFound. */
BerthContainer *berth_pods_find(BerthContainers *containers, const char *name, GError **error);
/* The containers in a pod, of BerthContainer, oldest first. The caller unrefs the array. */
GPtrArray *berth_pod_list_containers(const BerthContainer *pod);
/* Its exit policy, "stop" or "continue"; and its host name. The caller frees the strings. */
char *berth_pod_get_exit_policy(const BerthContainer *pod);
char *berth_pod_get_hostname(const BerthContainer *pod);

/* Stops its containers and, once they have ended, the pod. timeout_usec applies to each container;
 * UINT64_MAX stands for its own timeout. */
void berth_pod_stop(BerthContainer *pod, uint64_t timeout_usec);
/* Removes the pod. With force, its containers are removed as well, running or not; without force,
 * InUse if there are any. */
void berth_pod_remove(BerthContainer *pod, bool force, BerthContainerExited removed,
                      void *userdata);

/* In the record's extra: the host name of a pod. */
#define BERTH_POD_HOSTNAME "Hostname"
