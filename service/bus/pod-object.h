/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Shared by the two interfaces for pods: the collection (pods-bus.c) and the object of each pod
 * (pod-bus.c).
 */

#pragma once

#include "bus/container-object.h"

#define BERTH_PODS_PATH BERTH_BUS_ROOT "/pods"

/* The methods that both interfaces have. */
int berth_pod_method_start(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_pod_method_stop(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_pod_method_wait(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_pod_method_delete(sd_bus_message *call, void *userdata, sd_bus_error *error);

/* The entries of these methods in both vtables. Those of the collection have an additional first
 * argument, the name. */
#define BERTH_POD_METHODS(...)                                                                     \
    SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),                    \
                            SD_BUS_RESULT("u", pid), berth_pod_method_start,                       \
                            SD_BUS_VTABLE_UNPRIVILEGED),                                           \
        SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),                 \
                                SD_BUS_RESULT("i", status, "t", exited), berth_pod_method_stop,    \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Wait", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),                 \
                                SD_BUS_RESULT("i", status, "t", exited), berth_pod_method_wait,    \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),               \
                                SD_BUS_RESULT("i", status, "t", exited), berth_pod_method_delete,  \
                                SD_BUS_VTABLE_UNPRIVILEGED)

/* Registers the objects. Returns a negative errno on failure. */
int berth_pod_bus_add(BerthService *service);
