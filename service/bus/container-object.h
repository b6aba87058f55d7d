/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Shared by the two interfaces for containers: the manager (containers-bus.c) and the object of
 * each container (container-bus.c).
 */

#pragma once

#include "bus/access.h"
#include "bus/container-call.h"
#include "bus/objects.h"
#include "bus/options.h"
#include "bus/pending-call.h"
#include "bus/service.h"

/* Appends an event as "tssa{sv}". */
int berth_container_append_event(sd_bus_message *message, const BerthEvent *event);

/* Starts sending signals to subscribers and watchers. */
void berth_container_signals_add(BerthService *service);

/* Reads the option Descriptors, a(sh), in the form of a BerthOption reader. */
int berth_container_read_descriptors(sd_bus_message *message, void *value, sd_bus_error *error);

/* Reads the options of Start and Restore. */
int berth_container_read_streams(sd_bus_message *call, BerthContainerStreams *streams,
                                 sd_bus_error *error);

/* Reads the options of Create into an object whose owner is already set. */
int berth_create_options_read(sd_bus_message *call, BerthCreateOptions *options,
                              sd_bus_error *error);
/* Like berth_create_options_read, for the options of a pod. */
int berth_pod_options_read(sd_bus_message *call, BerthCreateOptions *options, sd_bus_error *error);
/* Finds the cgroup of the caller's process if the options ask for it. It is looked up again each
 * time a handler runs, so that polkit is asked about the cgroup that will be used; if the caller
 * has moved to another cgroup in the meantime, polkit is asked again. */
int berth_container_find_cgroup(sd_bus_message *call, BerthService *service,
                                BerthCreateOptions *options, sd_bus_error *error);
/* Returns the volumes that the options name, as a detail of the question; NULL for none. The caller
 * frees it. */
char *berth_create_options_list_volumes(const BerthCreateOptions *options);

/* Read the options Secrets, a(sh), SecretFiles, a(sha{sv}), and SecretVariables, a(sh), of Create
 * into BerthCreateOptions. */
int berth_container_read_secret_files(sd_bus_message *call, void *value, sd_bus_error *error);
int berth_container_read_owned_secrets(sd_bus_message *call, void *value, sd_bus_error *error);
int berth_container_read_secret_variables(sd_bus_message *call, void *value, sd_bus_error *error);

/* Reads the option FurtherNetworks of Create, a(sa{sv}), into BerthCreateOptions. */
int berth_container_read_further_networks(sd_bus_message *call, void *value, sd_bus_error *error);

/* The methods that both interfaces have. */
int berth_container_method_attach(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_connect_network(sd_bus_message *call, void *userdata,
                                           sd_bus_error *error);
int berth_container_method_disconnect_network(sd_bus_message *call, void *userdata,
                                              sd_bus_error *error);
int berth_container_method_changes(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_checkpoint(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_close_stdin(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_commit(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_copy_in(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_copy_out(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_delete(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_detach(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_diff(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_exec(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_inspect(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_kill(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_logs(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_open_process(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_open_terminal(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_pause(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_processes(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_rename(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_resize(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_restore(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_resume(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_start(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_stats(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_stop(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_update(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_container_method_wait(sd_bus_message *call, void *userdata, sd_bus_error *error);

#define BERTH_EXIT_RESULT SD_BUS_RESULT("i", status, "t", exited)

/* The entries of these methods in both vtables. They differ only in the leading arguments: "s", id,
 * for the manager, none for the object. */
#define BERTH_CONTAINER_METHODS(...)                                                               \
    SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),                    \
                            SD_BUS_RESULT("u", pid), berth_container_method_start,                 \
                            SD_BUS_VTABLE_UNPRIVILEGED),                                           \
        SD_BUS_METHOD_WITH_ARGS("Kill", SD_BUS_ARGS(__VA_ARGS__ "i", signal, "a{sv}", options),    \
                                SD_BUS_NO_RESULT, berth_container_method_kill,                     \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),                 \
                                BERTH_EXIT_RESULT, berth_container_method_stop,                    \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Wait", SD_BUS_ARGS(__VA_ARGS__ "s", process, "a{sv}", options),   \
                                BERTH_EXIT_RESULT, berth_container_method_wait,                    \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),               \
                                BERTH_EXIT_RESULT, berth_container_method_delete,                  \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),                \
                                SD_BUS_NO_RESULT, berth_container_method_pause,                    \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),               \
                                SD_BUS_NO_RESULT, berth_container_method_resume,                   \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Rename", SD_BUS_ARGS(__VA_ARGS__ "s", new_id, "a{sv}", options),  \
                                SD_BUS_NO_RESULT, berth_container_method_rename,                   \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS(                                                                   \
            "Update", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", properties, "a{sv}", options),              \
            SD_BUS_NO_RESULT, berth_container_method_update, SD_BUS_VTABLE_UNPRIVILEGED),          \
        SD_BUS_METHOD_WITH_ARGS(                                                                   \
            "ConnectNetwork", SD_BUS_ARGS(__VA_ARGS__ "s", network, "a{sv}", options),             \
            SD_BUS_NO_RESULT, berth_container_method_connect_network, SD_BUS_VTABLE_UNPRIVILEGED), \
        SD_BUS_METHOD_WITH_ARGS("DisconnectNetwork",                                               \
                                SD_BUS_ARGS(__VA_ARGS__ "s", network, "a{sv}", options),           \
                                SD_BUS_NO_RESULT, berth_container_method_disconnect_network,       \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Checkpoint", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),           \
                                SD_BUS_NO_RESULT, berth_container_method_checkpoint,               \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Restore", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),              \
                                SD_BUS_RESULT("u", pid), berth_container_method_restore,           \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Commit", SD_BUS_ARGS(__VA_ARGS__ "s", name, "a{sv}", options),    \
                                SD_BUS_RESULT("o", transfer), berth_container_method_commit,       \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Diff", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),                 \
                                SD_BUS_RESULT("o", transfer), berth_container_method_diff,         \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS(                                                                   \
            "Exec", SD_BUS_ARGS(__VA_ARGS__ "s", process, "as", command, "a{sv}", options),        \
            SD_BUS_RESULT("u", pid), berth_container_method_exec, SD_BUS_VTABLE_UNPRIVILEGED),     \
        SD_BUS_METHOD_WITH_ARGS("OpenProcess",                                                     \
                                SD_BUS_ARGS(__VA_ARGS__ "s", process, "a{sv}", options),           \
                                SD_BUS_RESULT("h", pidfd), berth_container_method_open_process,    \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("OpenTerminal",                                                    \
                                SD_BUS_ARGS(__VA_ARGS__ "s", process, "a{sv}", options),           \
                                SD_BUS_RESULT("h", terminal),                                      \
                                berth_container_method_open_terminal, SD_BUS_VTABLE_UNPRIVILEGED), \
        SD_BUS_METHOD_WITH_ARGS("Attach", SD_BUS_ARGS(__VA_ARGS__ "s", process, "a{sv}", options), \
                                SD_BUS_RESULT("h", terminal, "h", screen, "h", bell),              \
                                berth_container_method_attach, SD_BUS_VTABLE_UNPRIVILEGED),        \
        SD_BUS_METHOD_WITH_ARGS("Detach", SD_BUS_ARGS(__VA_ARGS__ "s", process, "a{sv}", options), \
                                SD_BUS_NO_RESULT, berth_container_method_detach,                   \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS(                                                                   \
            "Resize",                                                                              \
            SD_BUS_ARGS(__VA_ARGS__ "s", process, "u", rows, "u", columns, "a{sv}", options),      \
            SD_BUS_NO_RESULT, berth_container_method_resize, SD_BUS_VTABLE_UNPRIVILEGED),          \
        SD_BUS_METHOD_WITH_ARGS(                                                                   \
            "CloseStdin", SD_BUS_ARGS(__VA_ARGS__ "s", process, "a{sv}", options),                 \
            SD_BUS_NO_RESULT, berth_container_method_close_stdin, SD_BUS_VTABLE_UNPRIVILEGED),     \
        SD_BUS_METHOD_WITH_ARGS(                                                                   \
            "CopyOut", SD_BUS_ARGS(__VA_ARGS__ "s", path, "h", output, "a{sv}", options),          \
            SD_BUS_NO_RESULT, berth_container_method_copy_out, SD_BUS_VTABLE_UNPRIVILEGED),        \
        SD_BUS_METHOD_WITH_ARGS(                                                                   \
            "CopyIn", SD_BUS_ARGS(__VA_ARGS__ "s", path, "h", input, "a{sv}", options),            \
            SD_BUS_NO_RESULT, berth_container_method_copy_in, SD_BUS_VTABLE_UNPRIVILEGED),         \
        SD_BUS_METHOD_WITH_ARGS("Changes", SD_BUS_ARGS(__VA_ARGS__ "h", output, "a{sv}", options), \
                                SD_BUS_NO_RESULT, berth_container_method_changes,                  \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Logs", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),                 \
                                SD_BUS_RESULT("h", pipe), berth_container_method_logs,             \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Processes", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),            \
                                SD_BUS_RESULT("a(sa{sv})", processes),                             \
                                berth_container_method_processes, SD_BUS_VTABLE_UNPRIVILEGED),     \
        SD_BUS_METHOD_WITH_ARGS("Inspect", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),              \
                                SD_BUS_RESULT("s", json), berth_container_method_inspect,          \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                       \
        SD_BUS_METHOD_WITH_ARGS("Stats", SD_BUS_ARGS(__VA_ARGS__ "a{sv}", options),                \
                                SD_BUS_RESULT("a{st}", figures), berth_container_method_stats,     \
                                SD_BUS_VTABLE_UNPRIVILEGED)

/* Appends all properties of the container as a{sv}. */
int berth_container_append_properties(sd_bus_message *message, BerthService *service,
                                      BerthContainer *container);

extern const BerthObjectKind berth_container_kind;
extern const BerthObjectKind berth_pod_kind;
