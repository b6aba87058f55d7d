/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The common parts of members about a container: reading the ID, checking the caller, and finishing
 * a change.
 */

#pragma once

#include "bus/options.h"
#include "bus/pending-call.h"
#include "bus/service.h"

#define BERTH_CONTAINER_PREFIX BERTH_BUS_ROOT "/containers"
#define BERTH_CONTAINER_INTERFACE "org.berth1.Container"

/* Reads the ID that a call is about, from the object's path or the first argument. The caller frees
 * it. */
int berth_container_read_id(sd_bus_message *call, char **id);

/* Returns the container's object path. The caller frees it. */
char *berth_container_make_path(const char *id);
/* Returns the ID in an object path; NULL if the path is not that of a container. The caller frees
 * it. */
char *berth_container_read_path(const char *path);

/* Finds the container and makes the call's check on it ("own", "see" or "others"). Returns like
 * berth_access_check. */
int berth_container_check(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                          const char *id, BerthContainer **container);

/* Like berth_container_check, for a member whose arguments are the ID and options: reads both. */
int berth_container_read_and_check(sd_bus_message *call, BerthService *service,
                                   const BerthOption *options, sd_bus_error *error,
                                   BerthContainer **container);

/* Like berth_container_check, for members about one of its processes; "" is the first one. */
int berth_container_check_process(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                                  const char *id, const char *process, BerthContainer **container);

/* Like berth_container_check, for members that set properties, given as names separated by
 * spaces. */
int berth_container_check_properties(sd_bus_message *call, BerthService *service,
                                     sd_bus_error *error, const char *id, const char *properties,
                                     BerthContainer **container);
/* Like berth_container_check, for members about one of the container's networks. */
int berth_container_check_network(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                                  const char *id, const char *network, BerthContainer **container);

/* Finishes a call that has changed properties of the container; their names are NULL-terminated. If
 * the container has been deleted in the meantime, no signal is sent, but the call is still
 * answered. */
void berth_container_finish_change(const GError *error, BerthPendingCall *pending,
                                   const char *const *changed);
