/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Everything that is known of a container, as JSON for people and scripts. */

#include "containers/inspect.h"

#include "base/document.h"
#include "containers/core/object.h"
#include "containers/parts/checkpoint.h"
#include "containers/parts/health.h"
#include "containers/parts/network.h"
#include "containers/parts/ports.h"
#include "containers/processes.h"

/* A member is never left out: scripts find "" for what a container does not have. */
static void add_string(JsonBuilder *builder, const char *member, const char *value) {
    json_builder_set_member_name(builder, member);
    json_builder_add_string_value(builder, value ? value : "");
}

static void add_number(JsonBuilder *builder, const char *member, int64_t value) {
    json_builder_set_member_name(builder, member);
    json_builder_add_int_value(builder, value);
}

static void add_flag(JsonBuilder *builder, const char *member, bool value) {
    json_builder_set_member_name(builder, member);
    json_builder_add_boolean_value(builder, value);
}

static void add_list(JsonBuilder *builder, const char *member, char *const *list) {
    json_builder_set_member_name(builder, member);
    json_builder_begin_array(builder);
    for (; list && *list; list++)
        json_builder_add_string_value(builder, *list);
    json_builder_end_array(builder);
}

/* Each key is followed by its value. */
static void add_labels(JsonBuilder *builder, char *const *labels) {
    json_builder_set_member_name(builder, "labels");
    json_builder_begin_object(builder);
    for (; labels && *labels; labels += 2)
        add_string(builder, labels[0], labels[1]);
    json_builder_end_object(builder);
}

/* Processes of Exec. Those of health checks are the service's own and are not shown. */
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
        add_string(builder, "id", process->record->id);
        add_string(builder, "command", process->record->command);
        add_flag(builder, "running", process->record->running);
        add_number(builder, "pid", process->record->running ? process->record->pid : 0);
        add_number(builder, "exitStatus", process->record->status);
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

static void add_record(JsonBuilder *builder, BerthContainer *container) {
    const BerthContainerRecord *record = &container->record;
    g_auto(GStrv) addresses = berth_container_list_addresses(container);
    g_auto(GStrv) ports = berth_container_list_ports(container);
    g_auto(GStrv) exposed = list_exposed_ports(container);
    g_autofree char *unit = berth_container_get_unit(container);
    g_autofree char *cgroup = berth_container_get_cgroup(container);
    g_autofree char *properties =
        record->properties ? g_variant_print(record->properties, FALSE) : g_strdup("{}");

    add_string(builder, "id", record->id);
    add_string(builder, "image", record->image);
    add_string(builder, "rootDirectory", record->root);
    add_string(builder, "state", berth_container_state_get_name(record->state));
    add_number(builder, "pid", berth_container_is_running(container) ? record->first.pid : 0);
    add_number(builder, "exitStatus", record->first.status);
    add_string(builder, "scope", berth_container_get_scope(container));
    add_string(builder, "unit", unit);
    add_string(builder, "cgroup", cgroup ? cgroup : "");
    add_string(builder, "slice", record->slice);
    add_string(builder, "properties", properties);
    add_number(builder, "owner", record->owner);
    add_number(builder, "firstId", record->ids);
    add_number(builder, "created", (int64_t)record->created_usec);
    add_number(builder, "started", (int64_t)record->first.started_usec);
    add_number(builder, "exited", (int64_t)record->first.exited_usec);
    add_number(builder, "checkpointed", (int64_t)berth_checkpoint_find(container));
    add_number(builder, "stopSignal", record->stop_signal);
    add_string(builder, "restart", berth_restart_policy_get_name(record->restart));
    add_flag(builder, "autoRemove", record->auto_remove);
    add_flag(builder, "autostart", record->autostart);
    add_flag(builder, "terminal", record->terminal);
    add_string(builder, "health", berth_container_get_health(container));
    add_string(builder, "network", record->network);
    add_list(builder, "addresses", addresses);
    add_list(builder, "ports", ports);
    add_list(builder, "exposedPorts", exposed);
    add_labels(builder, record->labels);
    add_processes(builder, container);
}

/* The configuration is put in as it is stored, which is the form that an OCI runtime reads. Caller
 * frees. */
char *berth_container_inspect(BerthContainer *container, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    size_t size;
    g_autofree char *text = berth_container_read_config(container, &size, error);
    JsonNode *config = text ? berth_document_parse(text, size, error) : NULL;
    if (!config)
        return NULL;
    json_builder_begin_object(builder);
    add_record(builder, container);
    json_builder_set_member_name(builder, "config");
    json_builder_add_value(builder, config);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, TRUE);
}
