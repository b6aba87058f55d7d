/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist pod kill, pause, unpause, stats and logs: each does with all containers of pods what the
 * verb without "pod" does with a container. The service has no such calls: a container that starts
 * or exits meanwhile is left out.
 */

#include "client/verbs-pod-containers.h"

#include "base/signals.h"
#include "client/containers.h"
#include "client/each.h"
#include "client/pods.h"
#include "client/stats.h"
#include "client/verbs-logs.h"

#include <stdio.h>
#include <stdlib.h>

/* A call for each container; the signal is that of Kill. */
typedef struct {
    const char *member;
    DistContainerFilter wanted;
    int signal;
} PodCall;

static struct { char *signal; } kill_given;

const DistOption dist_pod_kill_options[] = {
    {"signal", 's', DIST_OPTION_TEXT, &kill_given.signal, N_("Signal; SIGKILL if not given"),
     N_("SIGNAL")},
    DIST_OPTION_END,
};

static bool pod_call_container(const PodCall *request, const char *id, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(DistContainer) container = dist_container_get(id, &local);
    g_autoptr(sd_bus_message) reply = NULL;

    if (container && !request->wanted(container))
        return true;
    if (container)
        reply = request->signal > 0
                    ? dist_call(&local, DIST_CONTAINERS, request->member, "sia{sv}", id,
                                request->signal, 0)
                    : dist_call(&local, DIST_CONTAINERS, request->member, "sa{sv}", id, 0);
    if (reply || g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND) ||
        g_error_matches(local, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* Prints the name of the pod, as podman does. */
static bool pod_call_one(const char *name, const void *userdata, GError **error) {
    g_auto(GStrv) ids = dist_pod_list_containers(name, error);

    for (char **id = ids; ids && *id; id++)
        if (!pod_call_container(userdata, *id, error))
            return false;
    if (ids)
        puts(name);
    return ids != NULL;
}

static bool is_not_paused(const DistContainer *container) {
    return container->state == DIST_CONTAINER_RUNNING;
}

static bool is_paused(const DistContainer *container) {
    return container->state == DIST_CONTAINER_PAUSED;
}

int dist_pod_kill(char **argv, GError **error) {
    const PodCall request = {"Kill", dist_container_is_running,
                             berth_signal_parse(kill_given.signal ? kill_given.signal : "KILL")};

    if (request.signal == 0) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("unknown signal \"%s\""),
                        kill_given.signal);
        return EXIT_FAILURE;
    }
    return dist_for_each(argv + 1, pod_call_one, &request);
}

int dist_pod_pause(char **argv, GError **error) {
    const PodCall request = {"Pause", is_not_paused, 0};

    (void)error;
    return dist_for_each(argv + 1, pod_call_one, &request);
}

int dist_pod_unpause(char **argv, GError **error) {
    const PodCall request = {"Resume", is_paused, 0};

    (void)error;
    return dist_for_each(argv + 1, pod_call_one, &request);
}

/* Runs a verb with the containers of the pods as its arguments; without any, it has nothing to do.
 */
static int pod_run_verb(char **argv, DistContainerFilter wanted,
                        int (*run)(char **argv, GError **error), GError **error) {
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(all, g_strdup(argv[0]));
    for (char **name = argv + 1; *name; name++) {
        g_auto(GStrv) ids = dist_pod_list_containers(*name, error);
        if (!ids)
            return EXIT_FAILURE;
        for (char **id = ids; *id; id++) {
            g_autoptr(DistContainer) container = dist_container_get(*id, NULL);
            if (container && (!wanted || wanted(container)))
                g_ptr_array_add(all, g_strdup(*id));
        }
    }
    g_ptr_array_add(all, NULL);
    return all->len > 2 ? run((char **)all->pdata, error) : EXIT_SUCCESS;
}

int dist_pod_stats(char **argv, GError **error) {
    return pod_run_verb(argv, dist_container_is_running, dist_verb_stats, error);
}

int dist_pod_logs(char **argv, GError **error) {
    return pod_run_verb(argv, NULL, dist_verb_logs, error);
}
