/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Values that several parts of a plan read. These functions are at the lowest level: plan.c calls
 * the readers of mounts, processes and resources, and all of those call these. There is no state
 * here; strings created here belong to the plan (berth_plan_keep).
 */

#include "plan/plan.h"

#include <string.h>

/* The kernel's limit (user_namespaces(7)). */
enum { MAX_RANGES = 340 };

char *berth_plan_keep(BerthPlan *plan, char *text) {
    g_ptr_array_add(plan->pool, text);
    return text;
}

bool berth_plan_is_cgroup(const BerthPlanMount *mount) {
    return !berth_mount_is_bind(mount->kind) &&
           (g_str_equal(mount->type, "cgroup") || g_str_equal(mount->type, "cgroup2"));
}

const BerthPlanNamespace *berth_plan_find_namespace(const BerthPlan *plan, int flag) {
    for (guint i = 0; i < plan->namespaces->len; i++) {
        const BerthPlanNamespace *entry = &g_array_index(plan->namespaces, BerthPlanNamespace, i);
        if (entry->flag == flag)
            return entry;
    }
    return NULL;
}

bool berth_plan_refuse(json_object *object, const char *where, const char *const *names,
                       GError **error) {
    for (; *names; names++) {
        json_object *value = json_object_object_get(object, *names);
        if (!value)
            continue;
        /* Generators write an empty string for "none". */
        if (json_object_is_type(value, json_type_string) && json_object_get_string_len(value) == 0)
            continue;
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s%s is not supported", where,
                               *names);
    }
    return true;
}

bool berth_plan_read_ranges(json_object *object, const char *member, GArray **ranges,
                            GError **error) {
    json_object *array;

    if (*ranges)
        g_array_unref(*ranges);
    *ranges = g_array_new(FALSE, FALSE, sizeof(BerthPlanRange));
    if (!berth_document_get_objects(object, member, &array, error))
        return false;
    for (guint i = 0; array && i < json_object_array_length(array); i++) {
        json_object *entry = json_object_array_get_idx(array, i);
        uint64_t inside, outside, count;
        if (!berth_document_get_size(entry, "containerID", &inside, error) ||
            !berth_document_get_size(entry, "hostID", &outside, error) ||
            !berth_document_get_size(entry, "size", &count, error))
            return false;
        if (i >= MAX_RANGES || count == 0 || count > UINT32_MAX || inside > UINT32_MAX - count ||
            outside > UINT32_MAX - count)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"%s\" is not a list of at most %d ranges", member, MAX_RANGES);
        BerthPlanRange range = {(uint32_t)inside, (uint32_t)outside, (uint32_t)count};
        g_array_append_val(*ranges, range);
    }
    return true;
}

bool berth_plan_path_climbs(const char *path) {
    for (const char *part = path; *part; part += strcspn(part, "/") + (strchr(part, '/') != NULL))
        if (strcspn(part, "/") == 2 && part[0] == '.' && part[1] == '.')
            return true;
    return false;
}

/* g_canonicalize_filename() keeps two leading slashes, whose meaning POSIX leaves to the
 * implementation. */
char *berth_plan_path_clean(const char *path) {
    return g_canonicalize_filename(path + strspn(path, "/"), "/");
}

bool berth_plan_path_is_below_root(const char *path) {
    g_autofree char *clean = berth_plan_path_clean(path);

    return path[0] == '/' && !g_str_equal(clean, "/");
}
