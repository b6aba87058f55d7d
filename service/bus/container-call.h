/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What members about a container have in common: the id, the check of the caller, and the end of a
 * change. */

#pragma once

#include "bus/options.h"
#include "bus/pending-call.h"
#include "bus/service.h"

#define BERTH_CONTAINER_PREFIX BERTH_BUS_ROOT "/containers"
#define BERTH_CONTAINER_INTERFACE "org.berth1.Container"

/* The id that a call is about: of the object's path, or the first argument. Caller frees. */
int berth_container_read_id(sd_bus_message *call, char **id);

/* Its object path. Caller frees. */
char *berth_container_make_path(const char *id);
/* The id; NULL: the path is no container's. Caller frees. */
char *berth_container_read_path(const char *path);

/* Finds the container and makes the call's check of it ("own", "see", "others"); as
 * berth_access_check. */
int berth_container_check(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                          const char *id, BerthContainer **container);

/* The same for a member whose arguments are the id and options: reads both. */
int berth_container_read_and_check(sd_bus_message *call, BerthService *service,
                                   const BerthOption *options, sd_bus_error *error,
                                   BerthContainer **container);

/* The same for members about a process of it, "" for its first. */
int berth_container_check_process(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                                  const char *id, const char *process, BerthContainer **container);

/* The same for a member that sets properties: their names, with blanks between. */
int berth_container_check_properties(sd_bus_message *call, BerthService *service,
                                     sd_bus_error *error, const char *id, const char *properties,
                                     BerthContainer **container);
/* The same for members about a network of the container's. */
int berth_container_check_network(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                                  const char *id, const char *network, BerthContainer **container);

/* Ends a call that has changed properties of the container, whose names end with NULL. The
 * container may be gone by now: then there is no signal, but the call is answered all the same. */
void berth_container_finish_change(const GError *error, BerthPendingCall *pending,
                                   const char *const *changed);
