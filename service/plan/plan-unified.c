/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "linux.resources.unified": files of a v2 cgroup. Those for which systemd has a property are set
 * through systemd, which would otherwise overwrite the file. There is no state here; names and
 * values are added to the lists of the plan.
 */

#include "plan/plan-resources.h"

#include "plan/plan-limits.h"

#include <string.h>

/* A prefix that io.weight may have. */
#define OF_ALL_DEVICES "default "

/* CONTROLLER.FILE. The files "cgroup.*" are not resources and are managed by systemd. */
static bool check_file(const char *name, GError **error) {
    if (!g_regex_match_simple("^[a-z0-9_]+\\.[a-zA-Z0-9_.]+$", name, 0, 0))
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "linux.resources.unified: the specified key has not the form CONTROLLER.VALUE `%.100s`",
            name);
    return !g_str_has_prefix(name, "cgroup.") ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           "linux.resources.unified: \"%.100s\" is not supported", name);
}

/* "max" or a decimal number; strtoull(3) alone would accept trailing characters. */
static bool read_file_number(const char *name, const char *text, uint64_t *value, GError **error) {
    char *end;

    *value = g_ascii_strtoull(text, &end, 10);
    if (g_str_equal(text, "max"))
        *value = UINT64_MAX;
    else if (end == text || *end != '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "linux.resources.unified: %s is not a number", name);
    return true;
}

/* "QUOTA PERIOD", or just the quota. */
static bool add_cpu_max(BerthPlan *plan, const char *text, GError **error) {
    g_auto(GStrv) parts = g_strsplit(text, " ", 2);
    uint64_t quota, period = BERTH_PLAN_PERIOD_USEC;

    if (!parts[0] || !read_file_number("cpu.max", parts[0], &quota, error) ||
        (parts[1] && !read_file_number("cpu.max", parts[1], &period, error)))
        return false;
    if (!berth_plan_is_quota(quota, period))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "linux.resources.unified: cpu.max \"%.100s\" is out of range", text);
    berth_plan_add_quota(plan, quota, period);
    return true;
}

/* A file for which systemd has a property is set through systemd, which would otherwise overwrite
 * it. */
static bool add_unified(BerthPlan *plan, const char *name, const char *value, GError **error) {
    static const struct {
        const char *file, *property;
    } numbers[] =
        {
            {"memory.max", "MemoryMax"},          {"memory.high", "MemoryHigh"},
            {"memory.low", "MemoryLow"},          {"memory.min", "MemoryMin"},
            {"memory.swap.max", "MemorySwapMax"}, {"pids.max", "TasksMax"},
            {"cpu.weight", "CPUWeight"},          {"io.weight", "IOWeight"},
        },
      lists[] = {{"cpuset.cpus", "AllowedCPUs"}, {"cpuset.mems", "AllowedMemoryNodes"}};
    uint64_t number;

    if (!check_file(name, error))
        return false;
    if (g_str_equal(name, "cpu.max"))
        return add_cpu_max(plan, value, error);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (g_str_equal(numbers[i].file, name)) {
            if (g_str_equal(name, "io.weight") && g_str_has_prefix(value, OF_ALL_DEVICES))
                value += strlen(OF_ALL_DEVICES);
            if (!read_file_number(name, value, &number, error))
                return false;
            berth_plan_add_number(plan, numbers[i].property, number);
            return true;
        }
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        if (g_str_equal(lists[i].file, name))
            return berth_plan_add_cpu_list(plan, value, lists[i].property, error);
    berth_plan_add_cgroup_file(plan, name, value);
    return true;
}

bool berth_plan_read_unified(BerthPlan *plan, json_object *resources, GError **error) {
    g_auto(GStrv) entries = NULL;

    if (!berth_document_get_keys(resources, "unified", true, &entries, error))
        return false;
    for (char **entry = entries; *entry; entry += 2)
        if (!add_unified(plan, entry[0], entry[1], error))
            return false;
    return true;
}
