/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Everything that is known about a container, as JSON for people and scripts. There is no state
 * here.
 */

#include "containers/inspect.h"

#include "base/document-members.h"
#include "base/document.h"
#include "containers/core/failure.h"
#include "containers/core/object.h"
#include "containers/core/pod.h"
#include "containers/inspect-network.h"
#include "containers/inspect-values.h"
#include "containers/parts/checkpoint.h"
#include "containers/parts/health.h"
#include "containers/parts/network.h"
#include "containers/parts/oom.h"
#include "containers/parts/ports.h"
#include "containers/parts/restart.h"
#include "containers/parts/volumes.h"
#include "containers/processes.h"

/* Processes started by Exec. Those of health checks are internal and not shown. */
static void add_processes(json_object *object, const BerthContainer *container) {
    json_object *list = berth_document_add_array(object, "processes");
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthProcess *process = value;
        if (process->kind == BERTH_PROCESS_CHECK)
            continue;
        json_object *item = berth_document_append_object(list);
        berth_document_add_string_or_empty(item, "id", process->record->id);
        berth_document_add_string_or_empty(item, "command", process->record->command);
        berth_document_add_bool(item, "running", process->record->running);
        berth_document_add_int(item, "pid", process->record->running ? process->record->pid : 0);
        berth_document_add_int(item, "exitStatus", process->record->status);
    }
}

/* The ports that its image declares, such as "80/tcp". */
static char **list_exposed_ports(const BerthContainer *container) {
    g_autoptr(GVariant) value = berth_container_record_get_extra(&container->record, "ExposedPorts",
                                                                 G_VARIANT_TYPE_STRING_ARRAY);

    return value ? g_variant_dup_strv(value, NULL) : g_new0(char *, 1);
}

static void inspect_add_restarts(json_object *object, const BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;
    g_autoptr(GVariant) limit =
        berth_container_record_get_extra(record, BERTH_RESTART_LIMIT, G_VARIANT_TYPE_UINT64);

    berth_document_add_string_or_empty(object, "restart",
                                       berth_restart_policy_get_name(record->restart));
    berth_document_add_int(object, "restartLimit",
                           limit ? (int64_t)g_variant_get_uint64(limit) : 0);
    berth_document_add_int(object, "restartCount", berth_container_count_restarts(container));
    berth_document_add_bool(object, "restarting", berth_container_is_restarting(container));
}

/* No member is ever left out: scripts find "" for what a container does not have. */
static void inspect_add_record(json_object *object, BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;
    const BerthContainer *holder = berth_container_get_network_holder(container);
    g_auto(GStrv) addresses = berth_container_list_addresses(holder, NULL);
    g_auto(GStrv) networks = berth_network_endpoints_list_networks(&holder->record);
    g_auto(GStrv) ports = berth_container_list_ports(holder);
    g_auto(GStrv) exposed = list_exposed_ports(container);
    g_autofree char *unit = berth_container_get_unit(container);
    g_autofree char *bound = berth_container_get_bound_unit(container);
    g_autofree char *cgroup = berth_container_get_cgroup(container);
    g_autofree char *failure = berth_container_get_failure(container);
    g_autofree char *pod = berth_container_get_pod(container);
    g_auto(GStrv) volumes = berth_volumes_list_of(record);
    g_autofree char *properties =
        record->properties ? g_variant_print(record->properties, FALSE) : g_strdup("{}");

    berth_document_add_string_or_empty(object, "id", record->id);
    berth_document_add_string_or_empty(object, "image", record->image);
    berth_document_add_string_or_empty(object, "rootDirectory", record->root);
    berth_document_add_string_or_empty(object, "state",
                                       berth_container_state_get_name(record->state));
    berth_document_add_int(object, "pid",
                           berth_container_is_running(container) ? record->first.pid : 0);
    berth_document_add_int(object, "exitStatus", record->first.status);
    berth_document_add_bool(object, "oomKilled", berth_container_was_oom_killed(container));
    berth_document_add_string_or_empty(object, "error", failure);
    berth_document_add_string_or_empty(object, "pod", pod ? pod : "");
    berth_document_add_string_or_empty(object, "scope", berth_container_get_scope(container));
    berth_document_add_string_or_empty(object, "unit", unit);
    berth_document_add_string_or_empty(object, "boundTo", bound ? bound : "");
    berth_document_add_string_or_empty(object, "cgroup", cgroup ? cgroup : "");
    berth_document_add_string_or_empty(object, "slice", record->slice);
    berth_document_add_string_or_empty(object, "properties", properties);
    berth_inspect_add_limits(object, container);
    berth_document_add_int(object, "owner", record->owner);
    berth_document_add_int(object, "firstId", record->ids);
    berth_document_add_int(object, "created", (int64_t)record->created_usec);
    berth_document_add_int(object, "started", (int64_t)record->first.started_usec);
    berth_document_add_int(object, "exited", (int64_t)record->first.exited_usec);
    berth_document_add_int(object, "checkpointed", (int64_t)berth_checkpoint_find(container));
    berth_document_add_int(object, "stopSignal", record->stop_signal);
    berth_document_add_int(object, "stopTimeout", (int64_t)record->stop_timeout_usec);
    inspect_add_restarts(object, container);
    berth_document_add_bool(object, "autoRemove", record->auto_remove);
    berth_document_add_bool(object, "autostart", record->autostart);
    berth_document_add_bool(object, "terminal", record->terminal);
    berth_document_add_string_or_empty(object, "health", berth_container_get_health(container));
    berth_document_add_string_or_empty(object, "network", record->network);
    berth_document_add_strings(object, "networks", networks);
    berth_document_add_strings(object, "addresses", addresses);
    berth_inspect_add_endpoints(object, holder);
    berth_document_add_strings(object, "volumes", volumes);
    berth_document_add_strings(object, "ports", ports);
    berth_document_add_strings(object, "exposedPorts", exposed);
    berth_document_add_map(object, "labels", record->labels);
    berth_inspect_add_command(object, container);
    add_processes(object, container);
}

/* The configuration is included as it is stored, in the form that an OCI runtime reads. The caller
 * frees the text. */
char *berth_container_inspect(BerthContainer *container, GError **error) {
    size_t size;
    g_autofree char *text = berth_container_read_config(container, &size, error);
    json_object *config = text ? berth_document_parse(text, size, error) : NULL;
    if (!config)
        return NULL;
    g_autoptr(json_object) root = json_object_new_object();
    inspect_add_record(root, container);
    berth_inspect_add_capabilities(root, config);
    json_object_object_add(root, "config", config);
    return berth_document_print(root, true);
}
