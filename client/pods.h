/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pods: containers that share a network, IPC objects and a host name. */

#pragma once

#include "client/bus.h"

#define DIST_PODS "/org/berth1/pods", "org.berth1.Pods"

/* The options of "dist pod create" and "dist run --pod=new:NAME". */
typedef struct {
    const char *name; /* "": the service chooses a name */
    const char *hostname, *user_namespace, *slice, *exit_policy;
    char *const *labels, *const *ports, *const *sysctls;
    uint64_t shm_bytes; /* 0: the default */
    bool with_caller, remove, replace;
} DistPodRequest;

/* Creates a pod in the network that the options of dist_network_options name. Returns its name;
 * NULL with error. */
char *dist_pod_create(const DistPodRequest *request, GError **error);
/* Starts the pod unless it is running. */
bool dist_pod_start(const char *name, GError **error);
/* The ids of the pod's containers. NULL with error; the caller frees them. */
char **dist_pod_list_containers(const char *name, GError **error);
