/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is done to a container that runs: signals, stopping, pausing, new limits. */

#include "base/log.h"
#include "containers/container-private.h"
#include "systemd/cgroup.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

/* What Update may change of a scope (systemd.resource-control(5)), and of which type. None of it
 * loosens isolation. reserves: it takes from others, or keeps the container from what befalls them.
 */
static const struct {
    const char *name, *type;
    bool reserves;
} properties[] = {
    {"MemoryMin", "t", true},
    {"MemoryLow", "t", true},
    {"MemoryHigh", "t", false},
    {"MemoryMax", "t", false},
    {"MemorySwapMax", "t", false},
    {"TasksMax", "t", false},
    {"CPUWeight", "t", false},
    {"CPUQuotaPerSecUSec", "t", false},
    {"CPUQuotaPeriodUSec", "t", false},
    {"IOWeight", "t", false},
    {"AllowedCPUs", "ay", false},
    {"AllowedMemoryNodes", "ay", false},
    {"IOReadBandwidthMax", "a(st)", false},
    {"IOWriteBandwidthMax", "a(st)", false},
    {"IOReadIOPSMax", "a(st)", false},
    {"IOWriteIOPSMax", "a(st)", false},
    {"IODeviceWeight", "a(st)", false},
    {"ManagedOOMPreference", "s", true},
    {"ManagedOOMSwap", "s", false},
    {"ManagedOOMMemoryPressure", "s", false},
};

const char *berth_container_property_get_type(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
        if (g_str_equal(properties[i].name, name))
            return properties[i].type;
    return NULL;
}

bool berth_container_property_reserves(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
        if (g_str_equal(properties[i].name, name))
            return properties[i].reserves;
    return false;
}

bool berth_container_kill(BerthContainer *container, const char *process_id, int signal, bool all,
                          GError **error) {
    if (signal < 1 || signal > SIGRTMAX)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%d is no signal", signal);
    if (all && process_id[0] != '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "either one process is meant or all of them");
    if (!berth_container_check_running(container, error))
        return false;
    if (all) {
        /* What is killed whole dies frozen or not, and with all that it forks meanwhile. */
        if (signal != SIGKILL ||
            !berth_cgroup_kill((pid_t)container->record.first.pid, container->scope))
            berth_scopes_kill(container->containers->scopes, container->scope, signal, NULL, NULL);
        return true;
    }
    BerthProcess *process = berth_container_find_process(container, process_id, error);
    if (!process)
        return false;
    if (process->pidfd < 0)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "process \"%.100s\" of container \"%s\" has ended", process_id,
                               container->record.id);
    if (syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0) < 0 && errno != ESRCH)
        return berth_error_set_errno(error, errno, "signal container %s", container->record.id);
    return true;
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthContainer *container = userdata;

    (void)source;
    (void)usec;
    berth_container_kill(container, "", SIGKILL, true, NULL);
    return 0;
}

static void ignore_result(const GError *error, void *userdata) {
    (void)error;
    (void)userdata;
}

void berth_container_forbid_restart(BerthContainer *container) {
    berth_container_cancel_restart(container);
    if (!container->record.wanted)
        return;
    container->record.wanted = false;
    berth_container_change(container, NULL, NULL);
}

void berth_container_stop(BerthContainer *container, uint64_t timeout_usec) {
    sd_event *event = container->containers->event;
    BerthContainerRecord *record = &container->record;

    berth_container_forbid_restart(container);
    if (!berth_container_is_running(container))
        return;
    if (timeout_usec == UINT64_MAX)
        timeout_usec = record->stop_timeout_usec;
    berth_container_kill(container, "", record->stop_signal, false, NULL);
    /* What is frozen does not hear a signal. */
    if (record->state == BERTH_CONTAINER_PAUSED)
        berth_container_set_paused(container, false, ignore_result, NULL);
    /* A second request may only shorten the wait. */
    if (container->stop_timer)
        container->stop_timer = sd_event_source_disable_unref(container->stop_timer);
    if (sd_event_add_time_relative(event, &container->stop_timer, CLOCK_MONOTONIC,
                                   MIN(timeout_usec, 24 * 3600 * (uint64_t)G_USEC_PER_SEC), 0,
                                   on_stop_timeout, container) < 0)
        berth_container_kill(container, "", SIGKILL, true, NULL);
}

/* An answer of systemd that concerns a container, which may be gone by then. */
typedef struct {
    BerthContainers *containers;
    char *id;
    bool paused;
    GVariant *properties;
    BerthContainerDone done;
    void *userdata;
} Request;

static Request *new_request(BerthContainer *container, BerthContainerDone done, void *userdata) {
    Request *request = g_new0(Request, 1);

    request->containers = container->containers;
    request->id = g_strdup(container->record.id);
    request->done = done;
    request->userdata = userdata;
    return request;
}

static void finish(Request *request, const GError *error) {
    request->done(error, request->userdata);
    if (request->properties)
        g_variant_unref(request->properties);
    g_free(request->id);
    g_free(request);
}

static void on_frozen(const GError *scope_error, void *userdata) {
    Request *request = userdata;
    g_autoptr(GError) error = NULL;
    BerthContainer *container = berth_containers_find(request->containers, request->id, &error);

    if (container && !berth_container_check_running(container, &error))
        container = NULL;
    /* systemd freezes only where the hierarchy is unified; the kernel does in any case. */
    if (container && scope_error &&
        !berth_cgroup_freeze((pid_t)container->record.first.pid, container->scope,
                             request->paused)) {
        g_propagate_error(&error, g_error_copy(scope_error));
        container = NULL;
    }
    if (container) {
        BerthContainerState state =
            request->paused ? BERTH_CONTAINER_PAUSED : BERTH_CONTAINER_RUNNING;
        /* Two may have asked at once: it is one event. */
        if (container->record.state != state) {
            container->record.state = state;
            berth_container_change(container, request->paused ? "pause" : "resume", &error);
        }
    }
    finish(request, error);
}

void berth_container_set_paused(BerthContainer *container, bool paused, BerthContainerDone done,
                                void *userdata) {
    g_autoptr(GError) error = NULL;
    BerthContainerState state = container->record.state;

    if (!berth_container_check_running(container, &error) ||
        !berth_container_check_whole(container, &error)) {
        done(error, userdata);
        return;
    }
    if ((state == BERTH_CONTAINER_PAUSED) == paused) {
        berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION, "container \"%s\" is %s",
                        container->record.id, paused ? "paused already" : "not paused");
        done(error, userdata);
        return;
    }
    Request *request = new_request(container, done, userdata);
    request->paused = paused;
    berth_scopes_freeze(container->containers->scopes, container->scope, paused, on_frozen,
                        request);
}

/* The next start has them too. */
static bool remember(BerthContainer *container, GVariant *changed, GError **error) {
    g_auto(GVariantDict) all = G_VARIANT_DICT_INIT(container->record.properties);
    GVariantIter iterator;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iterator, changed);
    while (g_variant_iter_loop(&iterator, "{&sv}", &name, &value))
        g_variant_dict_insert_value(&all, name, value);
    if (container->record.properties)
        g_variant_unref(container->record.properties);
    container->record.properties = g_variant_ref_sink(g_variant_dict_end(&all));
    return berth_container_change(container, NULL, error);
}

static void on_updated(const GError *scope_error, void *userdata) {
    Request *request = userdata;
    g_autoptr(GError) error = scope_error ? g_error_copy(scope_error) : NULL;
    BerthContainer *container = berth_containers_find(request->containers, request->id, NULL);

    if (container && !error)
        remember(container, request->properties, &error);
    finish(request, error);
}

void berth_container_update(BerthContainer *container, GVariant *changed, BerthContainerDone done,
                            void *userdata) {
    Request *request = new_request(container, done, userdata);

    request->properties = g_variant_ref(changed);
    if (berth_container_is_running(container))
        berth_scopes_set_properties(container->containers->scopes, container->scope, changed,
                                    on_updated, request);
    else
        on_updated(NULL, request);
}
