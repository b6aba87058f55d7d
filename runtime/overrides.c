/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of create and run that override the configuration: for callers such as schedulers, whose
 * configuration comes from elsewhere and is the same for all of their users and jobs. There is no
 * state; changes are made to a copy, down to the changed member.
 */

#include "overrides.h"

#include "base/document-members.h"

#include <string.h>
#include <unistd.h>

/* A group of the limits, which is made with its first member. */
static json_object *limits_open_group(json_object *resources, const char *name) {
    json_object *group = json_object_object_get(resources, name);

    return group ? group : berth_document_add_object(resources, name);
}

/* 0 is the default of the options: not given. */
static void limits_set_number(json_object *resources, const char *group, const char *name,
                              gint64 value) {
    if (value != 0)
        berth_document_add_int(limits_open_group(resources, group), name, value);
}

static void limits_set_text(json_object *resources, const char *group, const char *name,
                            const char *value) {
    if (value && value[0])
        berth_document_add_string(limits_open_group(resources, group), name, value);
}

json_object *runtime_overrides_read_limits(const RuntimeOptions *options) {
    json_object *resources = json_object_new_object();

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
static json_object *overrides_open_member(json_object *copy, const char *name, GError **error) {
    json_object *found;

    if (!berth_document_get_object(copy, name, &found, error))
        return NULL;
    json_object *member = berth_document_copy(found);
    json_object_object_add(copy, name, member);
    return member;
}

/* A limit in the configuration that the options do not set is kept. */
static bool overrides_set_limits(json_object *linux_part, const RuntimeOptions *options,
                                 GError **error) {
    g_autoptr(json_object) limits = runtime_overrides_read_limits(options);
    json_object *resources;

    if (json_object_object_length(limits) == 0)
        return true;
    if (!(resources = overrides_open_member(linux_part, "resources", error)))
        return false;
    json_object_object_foreach(limits, group, values) {
        json_object *target = overrides_open_member(resources, group, error);
        if (!target)
            return false;
        json_object_object_foreach(values, name, value)
            json_object_object_add(target, name, json_object_get(value));
    }
    return true;
}

static void overrides_map(json_object *linux_part, const char *name, int64_t outside) {
    json_object *range = berth_document_append_object(berth_document_add_array(linux_part, name));

    berth_document_add_int(range, "containerID", 0);
    berth_document_add_int(range, "hostID", outside);
    berth_document_add_int(range, "size", 1);
}

/* Replaces a user namespace in the configuration, even one to join. */
static bool overrides_add_user_namespace(json_object *linux_part, GError **error) {
    json_object *namespaces;

    if (!berth_document_get_objects(linux_part, "namespaces", &namespaces, error))
        return false;
    json_object *adapted = json_object_new_array();
    for (size_t i = 0; namespaces && i < json_object_array_length(namespaces); i++) {
        json_object *entry = json_object_array_get_idx(namespaces, i);
        const char *type = NULL;
        if (!berth_document_get_string(entry, "type", &type, NULL) || g_strcmp0(type, "user") != 0)
            json_object_array_add(adapted, json_object_get(entry));
    }
    berth_document_add_string(berth_document_append_object(adapted), "type", "user");
    json_object_object_add(linux_part, "namespaces", adapted);
    return true;
}

/* No other group is mapped, so devpts could not be mounted with one (user_namespaces(7)). */
static json_object *overrides_without_group(json_object *mount) {
    json_object *copy = berth_document_copy(mount);
    g_auto(GStrv) options = NULL;
    const char *type = NULL;

    if (!berth_document_get_string(mount, "type", &type, NULL) || g_strcmp0(type, "devpts") != 0 ||
        !berth_document_get_strings(mount, "options", &options, NULL))
        return copy;
    json_object *kept = berth_document_add_array(copy, "options");
    for (char **option = options; option && *option; option++)
        if (!g_str_has_prefix(*option, "gid="))
            berth_document_append_string(kept, *option);
    return copy;
}

static bool overrides_adapt_mounts(json_object *whole, GError **error) {
    json_object *mounts;

    if (!berth_document_get_objects(whole, "mounts", &mounts, error))
        return false;
    json_object *adapted = json_object_new_array();
    for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++)
        json_object_array_add(adapted,
                              overrides_without_group(json_object_array_get_idx(mounts, i)));
    json_object_object_add(whole, "mounts", adapted);
    return true;
}

/* Like "unshare --map-root-user": root in the container is the caller outside of it, and there are
 * no other users. */
static bool overrides_map_root_user(json_object *whole, json_object *linux_part, GError **error) {
    json_object *process = overrides_open_member(whole, "process", error);
    json_object *user = process ? overrides_open_member(process, "user", error) : NULL;

    if (!user || !overrides_add_user_namespace(linux_part, error) ||
        !overrides_adapt_mounts(whole, error))
        return false;
    berth_document_add_int(user, "uid", 0);
    berth_document_add_int(user, "gid", 0);
    json_object_object_del(user, "additionalGids");
    overrides_map(linux_part, "uidMappings", geteuid());
    overrides_map(linux_part, "gidMappings", getegid());
    return true;
}

json_object *runtime_overrides_apply(json_object *config, const RuntimeOptions *options,
                                     GError **error) {
    g_autoptr(json_object) whole = berth_document_copy(config);
    json_object *linux_part = overrides_open_member(whole, "linux", error);

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
