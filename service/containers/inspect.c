/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Everything that is known about a container, as JSON for people and scripts. There is no state
 * here.
 */

#include "containers/inspect.h"

#include "base/document-members.h"
#include "base/document.h"
#include "containers/core/object.h"
#include "containers/parts/checkpoint.h"
#include "containers/parts/health.h"
#include "containers/parts/network.h"
#include "containers/parts/ports.h"
#include "containers/processes.h"

/* labels alternates between keys and values. */
static void add_labels(JsonBuilder *builder, char *const *labels) {
    json_builder_set_member_name(builder, "labels");
    json_builder_begin_object(builder);
    for (; labels && *labels; labels += 2)
        berth_document_add_string_or_empty(builder, labels[0], labels[1]);
    json_builder_end_object(builder);
}

/* Processes started by Exec. Those of health checks are internal and not shown. */
static void add_processes(JsonBuilder *builder, const BerthContainer *container) {
    GHashTableIter iterator;
    gpointer value;

    json_builder_set_member_name(builder, "processes");
    json_builder_begin_array(builder);
    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthProcess *process = value;
        if (process->kind == BERTH_PROCESS_CHECK)
            continue;
        json_builder_begin_object(builder);
        berth_document_add_string_or_empty(builder, "id", process->record->id);
        berth_document_add_string_or_empty(builder, "command", process->record->command);
        berth_document_add_bool(builder, "running", process->record->running);
        berth_document_add_int(builder, "pid", process->record->running ? process->record->pid : 0);
        berth_document_add_int(builder, "exitStatus", process->record->status);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

/* The ports that its image declares, such as "80/tcp". */
static char **list_exposed_ports(const BerthContainer *container) {
    g_autoptr(GVariant) value = berth_container_record_get_extra(&container->record, "ExposedPorts",
                                                                 G_VARIANT_TYPE_STRING_ARRAY);

    return value ? g_variant_dup_strv(value, NULL) : g_new0(char *, 1);
}

/* No member is ever left out: scripts find "" for what a container does not have. */
static void inspect_add_record(JsonBuilder *builder, BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;
    g_auto(GStrv) addresses = berth_container_list_addresses(container, NULL);
    g_auto(GStrv) networks = berth_network_endpoints_list_networks(&container->record);
    g_auto(GStrv) ports = berth_container_list_ports(container);
    g_auto(GStrv) exposed = list_exposed_ports(container);
    g_autofree char *unit = berth_container_get_unit(container);
    g_autofree char *bound = berth_container_get_bound_unit(container);
    g_autofree char *cgroup = berth_container_get_cgroup(container);
    g_autofree char *properties =
        record->properties ? g_variant_print(record->properties, FALSE) : g_strdup("{}");

    berth_document_add_string_or_empty(builder, "id", record->id);
    berth_document_add_string_or_empty(builder, "image", record->image);
    berth_document_add_string_or_empty(builder, "rootDirectory", record->root);
    berth_document_add_string_or_empty(builder, "state",
                                       berth_container_state_get_name(record->state));
    berth_document_add_int(builder, "pid",
                           berth_container_is_running(container) ? record->first.pid : 0);
    berth_document_add_int(builder, "exitStatus", record->first.status);
    berth_document_add_string_or_empty(builder, "scope", berth_container_get_scope(container));
    berth_document_add_string_or_empty(builder, "unit", unit);
    berth_document_add_string_or_empty(builder, "boundTo", bound ? bound : "");
    berth_document_add_string_or_empty(builder, "cgroup", cgroup ? cgroup : "");
    berth_document_add_string_or_empty(builder, "slice", record->slice);
    berth_document_add_string_or_empty(builder, "properties", properties);
    berth_document_add_int(builder, "owner", record->owner);
    berth_document_add_int(builder, "firstId", record->ids);
    berth_document_add_int(builder, "created", (int64_t)record->created_usec);
    berth_document_add_int(builder, "started", (int64_t)record->first.started_usec);
    berth_document_add_int(builder, "exited", (int64_t)record->first.exited_usec);
    berth_document_add_int(builder, "checkpointed", (int64_t)berth_checkpoint_find(container));
    berth_document_add_int(builder, "stopSignal", record->stop_signal);
    berth_document_add_string_or_empty(builder, "restart",
                                       berth_restart_policy_get_name(record->restart));
    berth_document_add_bool(builder, "autoRemove", record->auto_remove);
    berth_document_add_bool(builder, "autostart", record->autostart);
    berth_document_add_bool(builder, "terminal", record->terminal);
    berth_document_add_string_or_empty(builder, "health", berth_container_get_health(container));
    berth_document_add_string_or_empty(builder, "network", record->network);
    berth_document_add_strings(builder, "networks", networks);
    berth_document_add_strings(builder, "addresses", addresses);
    berth_document_add_strings(builder, "ports", ports);
    berth_document_add_strings(builder, "exposedPorts", exposed);
    add_labels(builder, record->labels);
    add_processes(builder, container);
}

/* The configuration is included as it is stored, in the form that an OCI runtime reads. The caller
 * frees the text. */
char *berth_container_inspect(BerthContainer *container, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    size_t size;
    g_autofree char *text = berth_container_read_config(container, &size, error);
    JsonNode *config = text ? berth_document_parse(text, size, error) : NULL;
    if (!config)
        return NULL;
    json_builder_begin_object(builder);
    inspect_add_record(builder, container);
    json_builder_set_member_name(builder, "config");
    json_builder_add_value(builder, config);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, TRUE);
}
