/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of create and run that override the configuration: for callers such as schedulers, whose
 * configuration comes from elsewhere and is the same for all of their users and jobs. There is no
 * state; changes are made to a copy, down to the changed member.
 */

#include "overrides.h"

#include <string.h>
#include <unistd.h>

/* 0 is the default of the options: not given. */
static void limits_set_number(JsonObject *resources, const char *group, const char *name,
                              gint64 value) {
    if (value == 0)
        return;
    if (!json_object_has_member(resources, group))
        json_object_set_object_member(resources, group, json_object_new());
    json_object_set_int_member(json_object_get_object_member(resources, group), name, value);
}

static void limits_set_text(JsonObject *resources, const char *group, const char *name,
                            const char *value) {
    if (!value || !value[0])
        return;
    if (!json_object_has_member(resources, group))
        json_object_set_object_member(resources, group, json_object_new());
    json_object_set_string_member(json_object_get_object_member(resources, group), name, value);
}

JsonObject *runtime_overrides_read_limits(const RuntimeOptions *options) {
    JsonObject *resources = json_object_new();

    limits_set_number(resources, "memory", "limit", options->memory);
    limits_set_number(resources, "memory", "reservation", options->memory_reservation);
    limits_set_number(resources, "memory", "swap", options->memory_swap);
    limits_set_number(resources, "pids", "limit", options->pids_limit);
    limits_set_number(resources, "cpu", "shares", options->cpu_share);
    limits_set_number(resources, "cpu", "quota", options->cpu_quota);
    limits_set_number(resources, "cpu", "period", options->cpu_period);
    limits_set_text(resources, "cpu", "cpus", options->cpuset_cpus);
    limits_set_text(resources, "cpu", "mems", options->cpuset_mems);
    limits_set_number(resources, "blockIO", "weight", options->blkio_weight);
    return resources;
}

/* Replaces a member that is an object with a copy and returns it; with an empty object if it is
 * missing. */
static JsonObject *overrides_open_member(JsonObject *copy, const char *name, GError **error) {
    JsonObject *found;

    if (!berth_document_get_object(copy, name, &found, error))
        return NULL;
    JsonObject *member = berth_document_copy(found);
    json_object_set_object_member(copy, name, member);
    return member;
}

/* A limit in the configuration that the options do not set is kept. */
static bool overrides_set_limits(JsonObject *linux_part, const RuntimeOptions *options,
                                 GError **error) {
    g_autoptr(JsonObject) limits = runtime_overrides_read_limits(options);
    g_autoptr(GList) groups = json_object_get_members(limits);
    JsonObject *resources = groups ? overrides_open_member(linux_part, "resources", error) : NULL;

    if (groups && !resources)
        return false;
    for (GList *group = groups; group; group = group->next) {
        JsonObject *values = json_object_get_object_member(limits, group->data);
        JsonObject *target = overrides_open_member(resources, group->data, error);
        g_autoptr(GList) names = json_object_get_members(values);
        if (!target)
            return false;
        for (GList *name = names; name; name = name->next)
            json_object_set_member(target, name->data,
                                   json_node_copy(json_object_get_member(values, name->data)));
    }
    return true;
}

static void overrides_map(JsonObject *linux_part, const char *name, int64_t outside) {
    JsonObject *range = json_object_new();
    JsonArray *ranges = json_array_new();

    json_object_set_int_member(range, "containerID", 0);
    json_object_set_int_member(range, "hostID", outside);
    json_object_set_int_member(range, "size", 1);
    json_array_add_object_element(ranges, range);
    json_object_set_array_member(linux_part, name, ranges);
}

/* Replaces a user namespace in the configuration, even one to join. */
static bool overrides_add_user_namespace(JsonObject *linux_part, GError **error) {
    JsonArray *namespaces;

    if (!berth_document_get_objects(linux_part, "namespaces", &namespaces, error))
        return false;
    JsonArray *adapted = json_array_new();
    for (guint i = 0; namespaces && i < json_array_get_length(namespaces); i++) {
        JsonObject *entry = json_array_get_object_element(namespaces, i);
        const char *type = NULL;
        if (!berth_document_get_string(entry, "type", &type, NULL) || g_strcmp0(type, "user") != 0)
            json_array_add_object_element(adapted, json_object_ref(entry));
    }
    JsonObject *user = json_object_new();
    json_object_set_string_member(user, "type", "user");
    json_array_add_object_element(adapted, user);
    json_object_set_array_member(linux_part, "namespaces", adapted);
    return true;
}

/* No other group is mapped, so devpts could not be mounted with one (user_namespaces(7)). */
static JsonObject *overrides_without_group(JsonObject *mount) {
    JsonObject *copy = berth_document_copy(mount);
    g_auto(GStrv) options = NULL;
    const char *type = NULL;

    if (!berth_document_get_string(mount, "type", &type, NULL) || g_strcmp0(type, "devpts") != 0 ||
        !berth_document_get_strings(mount, "options", &options, NULL))
        return copy;
    JsonArray *kept = json_array_new();
    for (char **option = options; option && *option; option++)
        if (!g_str_has_prefix(*option, "gid="))
            json_array_add_string_element(kept, *option);
    json_object_set_array_member(copy, "options", kept);
    return copy;
}

static bool overrides_adapt_mounts(JsonObject *whole, GError **error) {
    JsonArray *mounts;

    if (!berth_document_get_objects(whole, "mounts", &mounts, error))
        return false;
    JsonArray *adapted = json_array_new();
    for (guint i = 0; mounts && i < json_array_get_length(mounts); i++)
        json_array_add_object_element(
            adapted, overrides_without_group(json_array_get_object_element(mounts, i)));
    json_object_set_array_member(whole, "mounts", adapted);
    return true;
}

/* Like "unshare --map-root-user": root in the container is the caller outside of it, and there are
 * no other users. */
static bool overrides_map_root_user(JsonObject *whole, JsonObject *linux_part, GError **error) {
    JsonObject *process = overrides_open_member(whole, "process", error);
    JsonObject *user = process ? overrides_open_member(process, "user", error) : NULL;

    if (!user || !overrides_add_user_namespace(linux_part, error) ||
        !overrides_adapt_mounts(whole, error))
        return false;
    json_object_set_int_member(user, "uid", 0);
    json_object_set_int_member(user, "gid", 0);
    json_object_remove_member(user, "additionalGids");
    overrides_map(linux_part, "uidMappings", geteuid());
    overrides_map(linux_part, "gidMappings", getegid());
    return true;
}

JsonObject *runtime_overrides_apply(JsonObject *config, const RuntimeOptions *options,
                                    GError **error) {
    g_autoptr(JsonObject) whole = berth_document_copy(config);
    JsonObject *linux_part = overrides_open_member(whole, "linux", error);

    if (!linux_part || !overrides_set_limits(linux_part, options, error) ||
        (options->map_root_user && !overrides_map_root_user(whole, linux_part, error)))
        return NULL;
    return g_steal_pointer(&whole);
}

bool runtime_overrides_parse_cgroup(const char *text, bool *is_callers, GError **error) {
    if (text && !g_str_equal(text, "scope") && !g_str_equal(text, "caller"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "--cgroup takes scope or caller, not \"%.100s\"", text);
    *is_callers = text && g_str_equal(text, "caller");
    return true;
}
