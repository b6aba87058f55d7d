/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls about pods, for the verbs of pods and for "dist run --pod". dist keeps no state of a pod.
 */

#include "client/pods.h"

#include "client/network-options.h"

static int append_pod_options(sd_bus_message *call, const DistPodRequest *request, GError **error) {
    const struct {
        const char *key, *value;
    } texts[] = {
        {"Hostname", request->hostname},
        {"UserNamespace", request->user_namespace},
        {"Slice", request->slice},
        {"ExitPolicy", request->exit_policy},
        {"Cgroup", request->with_caller ? "caller" : NULL},
    };
    int r = sd_bus_message_open_container(call, 'a', "{sv}");

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(texts); i++)
        if (texts[i].value)
            r = sd_bus_message_append(call, "{sv}", texts[i].key, "s", texts[i].value);
    if (r < 0 || (r = dist_append_labels(call, "Labels", request->labels)) < 0 ||
        (r = dist_append_labels(call, "Sysctls", request->sysctls)) < 0 ||
        (r = dist_append_strings(call, "Ports", request->ports)) < 0 ||
        (r = dist_append_network(call, error)) < 0)
        return r;
    if (request->shm_bytes > 0 &&
        (r = sd_bus_message_append(call, "{sv}", "ShmSize", "t", request->shm_bytes)) < 0)
        return r;
    if (request->remove && (r = sd_bus_message_append(call, "{sv}", "AutoRemove", "b", 1)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* Returns the name of the new pod, which the service chose if none was given; the caller frees it.
 * With --replace the old pod is gone even if the new one cannot be created. */
char *dist_pod_create(const DistPodRequest *request, GError **error) {
    const char *path;
    char *name = NULL;
    int r;

    if (request->replace && !dist_delete_replaced(DIST_PODS, request->name, error))
        return NULL;
    sd_bus_message *call = dist_new_call(error, DIST_PODS, "Create");
    if (!call)
        return NULL;
    g_autoptr(GError) local = NULL;
    if ((r = sd_bus_message_append(call, "s", request->name)) < 0 ||
        (r = append_pod_options(call, request, &local)) < 0) {
        sd_bus_message_unref(call);
        if (!local)
            dist_bad_reply(r, &local);
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    if (reply && ((r = sd_bus_message_read(reply, "o", &path)) < 0 ||
                  (r = sd_bus_path_decode(path, "/org/berth1/pods", &name)) <= 0))
        dist_bad_reply(r, error);
    return name;
}

/* The reply has the value as a variant. */
static sd_bus_message *get_pod_property(const char *name, const char *property, GError **error) {
    g_autofree char *path = NULL;
    int r = sd_bus_path_encode("/org/berth1/pods", name, &path);

    if (r < 0)
        return dist_bad_reply(r, error), NULL;
    return dist_call(error, path, "org.freedesktop.DBus.Properties", "Get", "ss", "org.berth1.Pod",
                     property);
}

/* A pod that cannot be read does not count as running, so that Start reports why. */
static bool pod_runs(const char *name) {
    g_autoptr(sd_bus_message) reply = get_pod_property(name, "State", NULL);
    const char *state;

    return reply && sd_bus_message_read(reply, "v", "s", &state) >= 0 &&
           g_str_equal(state, "running");
}

/* Another client may start the pod at the same time; it only matters that it runs. */
bool dist_pod_start(const char *name, GError **error) {
    g_autoptr(GError) local = NULL;

    if (pod_runs(name))
        return true;
    g_autoptr(sd_bus_message) reply = dist_call(&local, DIST_PODS, "Start", "sa{sv}", name, 0);
    if (reply ||
        (g_error_matches(local, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION) && pod_runs(name)))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

char **dist_pod_list_containers(const char *name, GError **error) {
    g_autoptr(sd_bus_message) reply = get_pod_property(name, "Containers", error);
    g_auto(GStrv) ids = NULL;
    int r;

    if (!reply)
        return NULL;
    if ((r = sd_bus_message_enter_container(reply, 'v', "as")) < 0 ||
        (r = sd_bus_message_read_strv(reply, &ids)) < 0)
        return dist_bad_reply(r, error), NULL;
    return ids ? g_steal_pointer(&ids) : g_new0(char *, 1);
}
