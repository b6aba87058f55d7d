/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The limits of a plan: properties of its scope and, for limits that systemd has no property for,
 * files of its cgroup. The plan owns both lists. plan-resources.c and plan-unified.c add to
 * them.
 */

#include "plan/plan-limits.h"

#include "base/cpu-list.h"

void berth_plan_add_property(BerthPlan *plan, const char *name, GVariant *value) {
    BerthPlanProperty property = {name, g_variant_ref_sink(value)};

    g_array_append_val(plan->properties, property);
}

/* In systemd's properties on the bus, UINT64_MAX means infinity (org.freedesktop.systemd1(5)). */
void berth_plan_add_number(BerthPlan *plan, const char *name, uint64_t value) {
    berth_plan_add_property(plan, name, g_variant_new_uint64(value));
}

/* Names and values are copied, since some are computed. The list owns the copies. */
void berth_plan_add_cgroup_file(BerthPlan *plan, const char *name, const char *value) {
    g_ptr_array_add(plan->cgroup_files, g_strdup(name));
    g_ptr_array_add(plan->cgroup_files, g_strdup(value));
}

/* systemd takes a list of processors as a bit mask in bytes (AllowedCPUs, type ay). */
bool berth_plan_add_cpu_list(BerthPlan *plan, const char *text, const char *name, GError **error) {
    uint8_t bits[BERTH_CPU_LIST_BYTES];
    size_t size;

    if (!berth_cpu_list_parse(text, bits, &size))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "linux.resources: \"%.100s\" is not a list", text);
    berth_plan_add_property(plan, name,
                            g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bits, size, 1));
    return true;
}

/* systemd accepts periods from 1 ms to 1 s. The product in berth_plan_add_quota() must not
 * overflow. */
bool berth_plan_is_quota(uint64_t quota, uint64_t period_usec) {
    return period_usec >= 1000 && period_usec <= G_USEC_PER_SEC &&
           (quota == UINT64_MAX || quota <= INT64_MAX / G_USEC_PER_SEC);
}

void berth_plan_add_quota(BerthPlan *plan, uint64_t quota, uint64_t period_usec) {
    berth_plan_add_number(plan, "CPUQuotaPerSecUSec",
                          quota == UINT64_MAX ? quota : quota * G_USEC_PER_SEC / period_usec);
    berth_plan_add_number(plan, "CPUQuotaPeriodUSec", period_usec);
}
