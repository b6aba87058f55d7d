/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shared by the two faces of containers: the manager (containers-bus.c) and the object each has
 * (container-bus.c). */

#pragma once

#include "bus/access.h"
#include "bus/pending-call.h"
#include "bus/service.h"

#define BERTH_CONTAINER_PREFIX BERTH_BUS_ROOT "/containers"
#define BERTH_CONTAINER_INTERFACE "org.berth1.Container"

/* Finds the container and makes the call's check of it ("own", "see", "others"); as
 * berth_access_check. */
int berth_container_check(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                          const char *id, BerthContainer **container);

/* The same for members about a process of it, "" for its first. */
int berth_container_check_process(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                                  const char *id, const char *process, BerthContainer **container);

/* The same for a member that sets properties: their names, with blanks between. */
int berth_container_check_properties(sd_bus_message *call, BerthService *service,
                                     sd_bus_error *error, const char *id, const char *properties,
                                     BerthContainer **container);

/* Whose eyes: a caller, and whether he may see what is others'. */
typedef struct {
    uint32_t uid;
    bool sees_all;
    bool events; /* he has subscribed, and does not only keep objects up to date */
} BerthSight;

/* As berth_access_check, but never refused: who may inspect nothing sees what is his own. */
int berth_sight_find(sd_bus_message *call, BerthService *service, BerthSight *sight);
bool berth_sight_sees(const BerthSight *sight, uint32_t owner);

/* Who has asked for objects or for all properties is told how they change, as proxies of every
 * D-Bus library expect, until he leaves the bus. sight: what he was answered by. */
void berth_sight_watch(sd_bus_message *call, BerthService *service, const BerthSight *sight);
bool berth_sight_is_watching(sd_bus_message *call, BerthService *service);

/* An event as "tsssuit", or as types say. */
int berth_container_append_event(sd_bus_message *message, const char *types,
                                 const BerthEvent *event);

/* Begins telling subscribers, and answers the object manager. */
int berth_container_signals_add(BerthService *service);

/* What both faces do once that is settled; each replies to call, now or later. */
int berth_container_reply_start(sd_bus_message *call, BerthService *service,
                                BerthContainer *container, bool restores,
                                const BerthContainerStreams *streams);
int berth_container_reply_wait(sd_bus_message *call, BerthService *service,
                               BerthContainer *container, const char *process);
int berth_container_reply_stop(sd_bus_message *call, BerthService *service,
                               BerthContainer *container, uint64_t timeout_usec);
int berth_container_reply_delete(sd_bus_message *call, BerthService *service,
                                 BerthContainer *container, bool force);

/* The option Descriptors, a(sh), as BerthOption reads one. */
int berth_container_read_descriptors(sd_bus_message *message, void *value, sd_bus_error *error);

/* The options of Start and Delete. */
int berth_container_read_streams(sd_bus_message *call, BerthContainerStreams *streams,
                                 sd_bus_error *error);
int berth_container_read_force(sd_bus_message *call, int *force, sd_bus_error *error);

/* The options of Create; cleared by berth_container_options_clear. The owner is there already. */
int berth_container_options_read(sd_bus_message *call, BerthContainerOptions *options,
                                 sd_bus_error *error);
/* The volumes that they name, for the details; NULL for none. Caller frees. */
char *berth_container_options_list_volumes(const BerthContainerOptions *options);
void berth_container_options_clear(BerthContainerOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthContainerOptions, berth_container_options_clear)

/* Methods of both faces; container-checkpoint.c and container-processes.c. */
int berth_container_method_checkpoint(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_restore(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_exec(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_open_terminal(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_attach(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_detach(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_resize(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_close_stdin(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_pause(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_resume(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_update(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_processes(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_copy_out(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_changes(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_copy_in(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_inspect(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_rename(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_stats(sd_bus_message *call, void *userdata, sd_bus_error *error);

/* Whether a call is to a container's object, and the id that it is about: of its path, or its first
 * argument. */
bool berth_container_is_object_call(sd_bus_message *call);
int berth_container_read_id(sd_bus_message *call, char **id);

/* Its object path. Caller frees. */
char *berth_container_make_path(const char *id);

/* All its properties as a{sv}, and those that change while it lives. */
int berth_container_append_properties(sd_bus_message *message, BerthService *service,
                                      const char *id);
/* PropertiesChanged with these; NULL without memory. */
sd_bus_message *berth_container_new_changed(BerthService *service, const char *id);
