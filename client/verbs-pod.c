/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist pod: containers that share a network, IPC objects and a host name. dist keeps no state of
 * them; "run" stays in the foreground while the pod runs, as a unit of systemd's needs it.
 */

#include "client/containers.h"
#include "client/verbs-pod-containers.h"
#include "client/verbs-pod-list.h"
#include "client/verbs.h"

#include "client/confirm.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/foreground.h"
#include "client/leaf.h"
#include "client/list-filter.h"
#include "client/listing.h"
#include "client/network-options.h"
#include "client/pods.h"
#include "client/run-values.h"
#include "client/stats.h"
#include "client/table.h"
#include "client/verbs-logs.h"

#include <stdio.h>
#include <stdlib.h>

static struct {
    char *name, *hostname, *user_namespace, *slice, *exit_policy, *shm_size, *cgroup;
    char **labels, **ports, **sysctls;
    gboolean replace, remove;
} pod_given;

static const char *const exit_policies[] = {"continue", "stop", NULL};
static const char *const cgroups[] = {"scope", "caller", NULL};
static const char *const user_namespaces[] = {"auto", "host", NULL};

static const DistOption pod_create_options[] = {
    {"name", 0, DIST_OPTION_TEXT, &pod_given.name, N_("Name of the pod, instead of NAME"),
     N_("NAME")},
    {"replace", 0, DIST_OPTION_FLAG, &pod_given.replace,
     N_("Delete a pod of the same name first, with its containers"), NULL},
    {"label", 'l', DIST_OPTION_LIST, &pod_given.labels, N_("Add a label"), N_("KEY=VALUE")},
    {"hostname", 0, DIST_OPTION_TEXT, &pod_given.hostname, N_("Set the host name"), N_("NAME")},
    {"publish", 'p', DIST_OPTION_LIST, &pod_given.ports, N_("Publish a port, or a range of ports"),
     N_("[[IP:][HOST]:]CONTAINER[/PROTOCOL]")},
    DIST_OPTION_INCLUDE(dist_pod_network_options),
    {"userns", 0, DIST_OPTION_TEXT, &pod_given.user_namespace, N_("User namespace: auto, host"),
     N_("MODE"), .choices = user_namespaces},
    {"sysctl", 0, DIST_OPTION_LIST, &pod_given.sysctls,
     N_("Set a kernel parameter of the container's namespaces"), N_("NAME=VALUE")},
    {"shm-size", 0, DIST_OPTION_TEXT, &pod_given.shm_size, N_("Set the size of /dev/shm"),
     N_("BYTES")},
    {"exit-policy", 0, DIST_OPTION_TEXT, &pod_given.exit_policy,
     N_("Set the action when its last container has ended: continue (default), stop"), N_("POLICY"),
     .choices = exit_policies},
    {"slice", 0, DIST_OPTION_TEXT, &pod_given.slice, N_("Slice of the pod and its containers"),
     N_("UNIT")},
    {"cgroup-parent", 0, DIST_OPTION_TEXT, &pod_given.slice, N_("The same"), N_("UNIT")},
    {"cgroup", 0, DIST_OPTION_TEXT, &pod_given.cgroup,
     N_("Place it in a scope (default), or with caller in the unit that dist runs in"), N_("PLACE"),
     .choices = cgroups},
    {"rm", 0, DIST_OPTION_FLAG, &pod_given.remove,
     N_("Delete the pod when it has ended and has no containers"), NULL},
    DIST_OPTION_END,
};

/* The name may be given as an argument, as for other objects, or as an option. */
static bool read_pod_request(char **argv, DistPodRequest *request, GError **error) {
    /* Lives until dist exits, as the other option values do. */
    static char **ports;

    if (!(ports = dist_expand_ports(pod_given.ports, error)))
        return false;
    if (argv[1] && pod_given.name)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("the name of the pod is given twice"));
    *request = (DistPodRequest){
        .name = argv[1]          ? argv[1]
                : pod_given.name ? pod_given.name
                                 : "",
        .hostname = pod_given.hostname,
        .user_namespace = pod_given.user_namespace,
        .slice = pod_given.slice,
        .exit_policy = pod_given.exit_policy,
        .labels = pod_given.labels,
        .ports = ports,
        .sysctls = pod_given.sysctls,
        .with_caller = g_strcmp0(pod_given.cgroup, "caller") == 0,
        .remove = pod_given.remove,
        .replace = pod_given.replace,
    };
    if (request->replace && !request->name[0])
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("--replace needs --name"));
    /* Must precede Create, which uses the cgroup that dist is in. */
    if (request->with_caller)
        dist_leaf_enter();
    return !pod_given.shm_size || dist_parse_bytes(pod_given.shm_size, &request->shm_bytes, error);
}

/* The name is the only output. */
static int pod_create(char **argv, GError **error) {
    DistPodRequest request;
    g_autofree char *name =
        read_pod_request(argv, &request, error) ? dist_pod_create(&request, error) : NULL;

    if (!name)
        return EXIT_FAILURE;
    puts(name);
    return EXIT_SUCCESS;
}

/* For a unit: it is ready when the pod runs, and SIGTERM stops the pod and the containers in it. */
static int pod_run(char **argv, GError **error) {
    DistPodRequest request;
    g_autofree char *name =
        read_pod_request(argv, &request, error) ? dist_pod_create(&request, error) : NULL;
    g_autoptr(sd_bus_message) start = name ? dist_new_call(error, DIST_PODS, "Start") : NULL;
    int r;

    if (!start)
        return DIST_EXIT_BERTH;
    if ((r = sd_bus_message_append(start, "sa{sv}", name, 0)) < 0)
        return dist_bad_reply(r, error), DIST_EXIT_BERTH;
    const DistForeground foreground = {
        .id = name,
        .process = "",
        .pod = true,
        .start = start,
        .notify = DIST_NOTIFY_STARTED,
        .signals = DIST_SIGNALS_STOP,
        .detach_keys = DIST_DETACH_KEYS,
    };
    return dist_foreground_run(&foreground, error);
}

static bool pod_is_running(const char *id) {
    g_autoptr(DistContainer) container = dist_container_get(id, NULL);

    return container && dist_container_is_running(container);
}

/* A container that is already running is fine. The service's error may have other reasons, too,
 * such as lost secrets. */
static bool pod_start_container(const char *id, const void *userdata, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply = dist_call(&local, DIST_CONTAINERS, "Start", "sa{sv}", id, 0);

    (void)userdata;
    if (reply || (g_error_matches(local, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION) &&
                  pod_is_running(id)))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* Whether a container of a pod could not be started, which has already been reported. */
static bool start_failed;

static bool start_pod(const char *name, const void *userdata, GError **error) {
    g_auto(GStrv) ids = NULL;

    (void)userdata;
    if (!dist_pod_start(name, error) || !(ids = dist_pod_list_containers(name, error)))
        return false;
    if (dist_for_each(ids, pod_start_container, NULL) != EXIT_SUCCESS)
        start_failed = true;
    puts(name);
    return true;
}

static int pod_start(char **argv, GError **error) {
    int status = dist_for_each(argv + 1, start_pod, NULL);

    (void)error;
    return start_failed ? EXIT_FAILURE : status;
}

static struct {
    gint64 seconds;
    gboolean ignore;
} pod_stop_given = {.seconds = -1};

static const DistOption pod_stop_options[] = {
    {"time", 't', DIST_OPTION_NUMBER, &pod_stop_given.seconds,
     N_("Time to wait before SIGKILL, for each container"), N_("SECONDS")},
    {"ignore", 'i', DIST_OPTION_FLAG, &pod_stop_given.ignore,
     N_("Do not fail if it does not "
        "exist"),
     NULL},
    DIST_OPTION_END,
};

static bool stop_pod(const char *name, const void *userdata, GError **error) {
    uint64_t timeout =
        pod_stop_given.seconds < 0 ? UINT64_MAX : (uint64_t)pod_stop_given.seconds * G_USEC_PER_SEC;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_PODS, "Stop", "sa{sv}", name, 1, "TimeoutUSec", "t", timeout);

    (void)userdata;
    if (reply)
        puts(name);
    return dist_reply_or_ignored(reply, pod_stop_given.ignore, BERTH_ERROR_NOT_FOUND, error);
}

static int pod_stop(char **argv, GError **error) {
    (void)error;
    return dist_for_each(argv + 1, stop_pod, NULL);
}

/* A pod that is not running is only started. */
static bool restart_pod(const char *name, const void *userdata, GError **error) {
    g_autoptr(sd_bus_message) stopped =
        dist_call(error, DIST_PODS, "Stop", "sa{sv}", name, 1, "TimeoutUSec", "t", UINT64_MAX);

    return dist_reply_or_ignored(stopped, true, BERTH_ERROR_FAILED_PRECONDITION, error) &&
           start_pod(name, userdata, error);
}

static int pod_restart(char **argv, GError **error) {
    int status = dist_for_each(argv + 1, restart_pod, NULL);

    (void)error;
    return start_failed ? EXIT_FAILURE : status;
}

static struct { gboolean force; } pod_prune_given;

static const DistOption pod_prune_options[] = {
    {"force", 'f', DIST_OPTION_FLAG, &pod_prune_given.force, N_("Do not ask"), NULL},
    DIST_OPTION_END,
};

static int take_ended_pod(sd_bus_message *reply, char **key, void *userdata) {
    const char *name, *state = "";
    const DistField fields[] = {{"State", "s", &state}, {NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    if (g_str_equal(state, "stopped"))
        g_ptr_array_add(userdata, g_strdup(name));
    *key = g_strdup(name);
    return 1;
}

/* As in podman, containers of a pod that has ended are deleted with it. */
static bool prune_pod(const char *name, const void *userdata, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_PODS, "Delete", "sa{sv}", name, 1, "Force", "b", 1);

    (void)userdata;
    if (reply)
        puts(name);
    return dist_reply_or_ignored(reply, true, BERTH_ERROR_NOT_FOUND, error);
}

static int pod_prune(char **argv, GError **error) {
    const DistListing pods = {DIST_PODS, "List"};
    g_autoptr(GPtrArray) ended = g_ptr_array_new_with_free_func(g_free);

    (void)argv;
    if ((!pod_prune_given.force &&
         !dist_confirm(_("Delete all pods that have ended, with their containers?"), error)) ||
        !dist_list(&pods, take_ended_pod, ended, error))
        return EXIT_FAILURE;
    g_ptr_array_add(ended, NULL);
    return dist_for_each((char *const *)ended->pdata, prune_pod, NULL);
}

static struct { gboolean force, ignore; } pod_rm_given;

static const DistOption pod_rm_options[] = {
    {"force", 'f', DIST_OPTION_FLAG, &pod_rm_given.force,
     N_("Kill and delete its containers, too; do not fail if it does not exist"), NULL},
    {"ignore", 'i', DIST_OPTION_FLAG, &pod_rm_given.ignore,
     N_("Do not fail if it does not "
        "exist"),
     NULL},
    DIST_OPTION_END,
};

static bool remove_pod(const char *name, const void *userdata, GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_PODS, "Delete", "sa{sv}", name, 1,
                                                "Force", "b", (int)pod_rm_given.force);

    (void)userdata;
    if (reply)
        puts(name);
    return dist_reply_or_ignored(reply, pod_rm_given.force || pod_rm_given.ignore,
                                 BERTH_ERROR_NOT_FOUND, error);
}

static int pod_rm(char **argv, GError **error) {
    (void)error;
    return dist_for_each(argv + 1, remove_pod, NULL);
}

static int pod_exists(char **argv, GError **error) {
    return dist_list_find(DIST_PODS, argv[1], error);
}

static const DistVerb pod_verbs[] = {
    {.name = "create",
     .arguments = N_("[NAME]"),
     .summary = N_("Create a pod"),
     .options = pod_create_options,
     .run = pod_create,
     .max = 1,
     .example = "dist pod create -p 8080:80 shop"},
    {.name = "run",
     .arguments = N_("[NAME]"),
     .summary = N_("Create and start a pod, and wait until it ends, for a unit"),
     .options = pod_create_options,
     .run = pod_run,
     .max = 1,
     .flags = DIST_VERB_RUNS},
    {.name = "start",
     .arguments = N_("NAME…"),
     .summary = N_("Start pods and their containers"),
     .run = pod_start,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "stop",
     .arguments = N_("NAME…"),
     .summary = N_("Stop pods and their containers"),
     .options = pod_stop_options,
     .run = pod_stop,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "restart",
     .arguments = N_("NAME…"),
     .summary = N_("Stop pods, and start them and their containers again"),
     .run = pod_restart,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "kill",
     .arguments = N_("NAME…"),
     .summary = N_("Send a signal to the containers of pods"),
     .options = dist_pod_kill_options,
     .run = dist_pod_kill,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "pause",
     .arguments = N_("NAME…"),
     .summary = N_("Freeze the processes of the containers of pods"),
     .run = dist_pod_pause,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "unpause",
     .arguments = N_("NAME…"),
     .summary = N_("Resume the containers of pods"),
     .run = dist_pod_unpause,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "logs",
     .arguments = N_("NAME…"),
     .summary = N_("Show what the containers of pods wrote to the journal"),
     .options = dist_logs_options,
     .run = dist_pod_logs,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_THERE},
    {.name = "stats",
     .arguments = N_("NAME…"),
     .summary = N_("Show the resource usage of the containers of pods"),
     .options = dist_stats_options,
     .run = dist_pod_stats,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "prune",
     .arguments = "",
     .summary = N_("Delete the pods that have ended, with their containers"),
     .options = pod_prune_options,
     .run = pod_prune},
    {.name = "rm",
     .arguments = N_("NAME…"),
     .summary = N_("Delete pods"),
     .options = pod_rm_options,
     .run = pod_rm,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "ps",
     .arguments = "",
     .summary = N_("List pods"),
     .options = dist_pod_list_options,
     .run = dist_pod_list},
    {.name = "ls",
     .arguments = "",
     .summary = N_("List pods"),
     .options = dist_pod_list_options,
     .run = dist_pod_list},
    {.name = "list",
     .arguments = "",
     .summary = N_("List pods"),
     .options = dist_pod_list_options,
     .run = dist_pod_list},
    {.name = "exists",
     .arguments = N_("NAME"),
     .summary = N_("Check whether a pod exists; the status is 1 if not"),
     .run = pod_exists,
     .min = 1,
     .max = 1},
    {.name = "inspect",
     .arguments = N_("NAME…"),
     .summary = N_("Show everything about pods as JSON"),
     .options = dist_inspect_table_options,
     .run = dist_pod_inspect,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = NULL},
};

const DistVerb dist_pod_verbs[] = {
    {.name = "pod",
     .arguments = "VERB",
     .summary = N_("Work with pods: containers that share a network"),
     .verbs = pod_verbs},
    {.name = NULL},
};
