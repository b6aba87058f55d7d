/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pods: containers that share a network, IPC objects and a host name. */

#pragma once

#include "client/bus.h"

#define DIST_PODS "/org/berth1/pods", "org.berth1.Pods"

/* What "dist pod create" and "dist run --pod=new:NAME" give. */
typedef struct {
    const char *name; /* "" for one that the service chooses */
    const char *hostname, *user_namespace, *slice, *exit_policy;
    char *const *labels, *const *ports, *const *sysctls;
    uint64_t shm_bytes; /* 0: the default */
    bool with_caller, remove, replace;
} DistPodRequest;

/* Creates it, in the network that the options of dist_network_options name. The new name; NULL with
 * error. */
char *dist_pod_create(const DistPodRequest *request, GError **error);
/* Starts it, unless it runs. */
bool dist_pod_start(const char *name, GError **error);
/* The ids of its containers. NULL with error; caller frees. */
char **dist_pod_list_containers(const char *name, GError **error);
