/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Converts "linux.resources" to properties of a systemd scope (systemd.resource-control(5)),
 * because systemd sets limits, shows them and can change them later. Limits without a property
 * become files of the cgroup, which the launcher writes (launch/cgroup-files.c). The plan owns both
 * lists.
 */

#include "plan/plan-resources.h"

#include "plan/plan-limits.h"

/* In the specification, -1 means no limit, which is systemd's infinity. */
static bool read_amount(BerthPlan *plan, json_object *object, const char *member, const char *name,
                        GError **error) {
    int64_t value;

    if (!berth_document_get_int(object, member, &value, error))
        return false;
    if (value < -1)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "linux.resources: \"%s\" is negative", member);
    if (value != 0)
        berth_plan_add_number(plan, name, value < 0 ? UINT64_MAX : (uint64_t)value);
    return true;
}

/* "swap" without "limit" is refused, as by runc, since the amount of swap alone, which cgroup v2
 * limits, cannot be computed. */
static bool read_swap(BerthPlan *plan, json_object *object, GError **error) {
    int64_t limit, both;

    if (!berth_document_get_int(object, "limit", &limit, error) ||
        !berth_document_get_int(object, "swap", &both, error))
        return false;
    if (both == 0)
        return true;
    /* The specification's value is memory and swap together, the kernel's just swap. */
    if (both > 0 && limit <= 0)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "linux.resources.memory: \"swap\" needs a \"limit\"");
    if (both > 0 && both < limit)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "linux.resources.memory: \"swap\" is less than \"limit\"");
    berth_plan_add_number(plan, "MemorySwapMax", both < 0 ? UINT64_MAX : (uint64_t)(both - limit));
    return true;
}

/* Members for cgroup v1 without a counterpart in v2 are refused. "disableOOMKiller" is refused only
 * if it is true, since false is how v2 behaves. */
static bool read_memory(BerthPlan *plan, json_object *resources, GError **error) {
    static const char *const unsupported[] = {"kernel", "kernelTCP", "swappiness", NULL};
    json_object *memory;
    bool disable;

    if (!berth_document_get_object(resources, "memory", &memory, error))
        return false;
    if (!memory)
        return true;
    if (!berth_document_get_bool(memory, "disableOOMKiller", &disable, error))
        return false;
    if (disable)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "linux.resources.memory.disableOOMKiller is not supported");
    return berth_plan_refuse(memory, "linux.resources.memory.", unsupported, error) &&
           read_amount(plan, memory, "limit", "MemoryMax", error) &&
           read_amount(plan, memory, "reservation", "MemoryLow", error) &&
           read_swap(plan, memory, error);
}

static bool read_list(BerthPlan *plan, json_object *object, const char *member, const char *name,
                      GError **error) {
    const char *text;

    return berth_document_get_string(object, member, &text, error) &&
           (!text || text[0] == '\0' || berth_plan_add_cpu_list(plan, text, name, error));
}

/* Converts shares of cgroup v1 (2 to 262144) to a weight of v2 (1 to 10000), with the formula of
 * crun and runc. */
static uint64_t shares_to_weight(uint64_t shares) {
    shares = CLAMP(shares, 2, 262144);
    return 1 + ((shares - 2) * 9999) / 262142;
}

/* A period applies only with a quota, but an invalid one is refused in any case. As in the
 * specification, zero means the kernel's default. systemd has no property for bursts, so a file is
 * written. */
static bool read_cpu(BerthPlan *plan, json_object *resources, GError **error) {
    static const char *const unsupported[] = {"realtimeRuntime", "realtimePeriod", NULL};
    json_object *cpu;
    uint64_t shares, period, burst;
    int64_t quota, idle;

    if (!berth_document_get_object(resources, "cpu", &cpu, error))
        return false;
    if (!cpu)
        return true;
    if (!berth_plan_refuse(cpu, "linux.resources.cpu.", unsupported, error) ||
        !berth_document_get_size(cpu, "shares", &shares, error) ||
        !berth_document_get_int(cpu, "quota", &quota, error) ||
        !berth_document_get_size(cpu, "period", &period, error) ||
        !berth_document_get_int(cpu, "idle", &idle, error) ||
        !berth_document_get_size(cpu, "burst", &burst, error) ||
        !read_list(plan, cpu, "cpus", "AllowedCPUs", error) ||
        !read_list(plan, cpu, "mems", "AllowedMemoryNodes", error))
        return false;
    /* In systemd this weight means "idle" (systemd.resource-control(5)). */
    if (idle == 1)
        berth_plan_add_number(plan, "CPUWeight", 0);
    else if (shares > 0)
        berth_plan_add_number(plan, "CPUWeight", shares_to_weight(shares));
    if (period == 0)
        period = BERTH_PLAN_PERIOD_USEC;
    if (!berth_plan_is_quota(quota > 0 ? (uint64_t)quota : 0, period))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "linux.resources.cpu: \"period\" is from 1000 to 1000000");
    if (quota > 0)
        berth_plan_add_quota(plan, (uint64_t)quota, period);
    if (burst > 0) {
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)burst);
        berth_plan_add_cgroup_file(plan, "cpu.max.burst", text);
    }
    return true;
}

static bool read_pids(BerthPlan *plan, json_object *resources, GError **error) {
    json_object *pids;

    return berth_document_get_object(resources, "pids", &pids, error) &&
           (!pids || read_amount(plan, pids, "limit", "TasksMax", error));
}

/* Converts a block weight of cgroup v1 (10 to 1000) to one of v2 (1 to 10000), with the formula of
 * crun and runc. */
static uint64_t block_to_weight(uint64_t weight) {
    return 1 + (CLAMP(weight, 10, 1000) - 10) * 9999 / 990;
}

/* Devices are identified by number, through a path that always exists, which is what systemd
 * expects. */
static bool read_block_list(BerthPlan *plan, json_object *block, const char *member,
                            const char *value, const char *property, GError **error) {
    g_auto(GVariantBuilder) list = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(st)"));
    static const char *const unsupported[] = {"leafWeight", NULL};
    json_object *array;
    guint count = 0;

    if (!berth_document_get_objects(block, member, &array, error))
        return false;
    for (; array && count < json_object_array_length(array); count++) {
        json_object *entry = json_object_array_get_idx(array, count);
        uint64_t major, minor, amount;
        if (!berth_plan_refuse(entry, "linux.resources.blockIO.weightDevice.", unsupported,
                               error) ||
            !berth_document_get_size(entry, "major", &major, error) ||
            !berth_document_get_size(entry, "minor", &minor, error) ||
            !berth_document_get_size(entry, value, &amount, error))
            return false;
        if (g_str_equal(value, "weight"))
            amount = block_to_weight(amount);
        g_autofree char *path = g_strdup_printf(
            "/dev/block/%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64)major, (guint64)minor);
        g_variant_builder_add(&list, "(st)", path, (guint64)amount);
    }
    if (count > 0)
        berth_plan_add_property(plan, property, g_variant_builder_end(&list));
    return true;
}

static bool read_block_io(BerthPlan *plan, json_object *resources, GError **error) {
    static const char *const unsupported[] = {"leafWeight", NULL};
    static const struct {
        const char *member, *value, *property;
    } lists[] = {
        {"weightDevice", "weight", "IODeviceWeight"},
        {"throttleReadBpsDevice", "rate", "IOReadBandwidthMax"},
        {"throttleWriteBpsDevice", "rate", "IOWriteBandwidthMax"},
        {"throttleReadIOPSDevice", "rate", "IOReadIOPSMax"},
        {"throttleWriteIOPSDevice", "rate", "IOWriteIOPSMax"},
    };
    json_object *block;
    uint64_t weight;

    if (!berth_document_get_object(resources, "blockIO", &block, error))
        return false;
    if (!block)
        return true;
    if (!berth_plan_refuse(block, "linux.resources.blockIO.", unsupported, error) ||
        !berth_document_get_size(block, "weight", &weight, error))
        return false;
    if (weight > 0)
        berth_plan_add_number(plan, "IOWeight", block_to_weight(weight));
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        if (!read_block_list(plan, block, lists[i].member, lists[i].value, lists[i].property,
                             error))
            return false;
    return true;
}

/* The page size becomes part of a file name (hugetlb.SIZE.max), so it is fully checked, and cannot
 * lead to another file. */
static bool read_hugepages(BerthPlan *plan, json_object *resources, GError **error) {
    json_object *array;

    if (!berth_document_get_objects(resources, "hugepageLimits", &array, error))
        return false;
    for (guint i = 0; array && i < json_object_array_length(array); i++) {
        json_object *entry = json_object_array_get_idx(array, i);
        const char *size;
        uint64_t limit;
        if (!berth_document_get_string(entry, "pageSize", &size, error) ||
            !berth_document_get_size(entry, "limit", &limit, error))
            return false;
        if (!size || !g_regex_match_simple("^[1-9][0-9]{0,5}[KMG]B$", size, 0, 0))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "linux.resources.hugepageLimits: \"%.100s\" is not a page size",
                                   size ? size : "");
        g_autofree char *file = g_strconcat("hugetlb.", size, ".max", NULL);
        g_autofree char *value = g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)limit);
        berth_plan_add_cgroup_file(plan, file, value);
    }
    return true;
}

/* A limit that is not given keeps its value. */
static bool add_rdma_device(BerthPlan *plan, json_object *all, const char *device, GError **error) {
    static const char *const members[] = {"hcaHandles", "hcaObjects"};
    static const char *const keys[] = {"hca_handle", "hca_object"};
    g_autoptr(GString) line = g_string_new(device);
    json_object *limits;

    if (!berth_document_get_object(all, device, &limits, error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        uint64_t limit;
        if (!json_object_object_get(limits, members[i]))
            continue;
        if (!berth_document_get_size(limits, members[i], &limit, error))
            return false;
        g_string_append_printf(line, " %s=%" G_GUINT64_FORMAT, keys[i], (guint64)limit);
    }
    berth_plan_add_cgroup_file(plan, "rdma.max", line->str);
    return true;
}

/* One line of rdma.max for each device (cgroup-v2, RDMA Interface Files). */
static bool read_rdma(BerthPlan *plan, json_object *resources, GError **error) {
    json_object *all;

    if (!berth_document_get_object(resources, "rdma", &all, error))
        return false;
    if (!all)
        return true;
    json_object_object_foreach(all, device, limits) {
        if (!add_rdma_device(plan, all, device, error))
            return false;
    }
    return true;
}

/* "unified" comes last, so that its properties follow those of the other members. */
bool berth_plan_read_resources(BerthPlan *plan, json_object *object, GError **error) {
    static const char *const unsupported[] = {"network", NULL};
    json_object *resources;

    if (!berth_document_get_object(object, "resources", &resources, error))
        return false;
    return !resources ||
           (berth_plan_refuse(resources, "linux.resources.", unsupported, error) &&
            read_memory(plan, resources, error) && read_cpu(plan, resources, error) &&
            read_pids(plan, resources, error) && read_block_io(plan, resources, error) &&
            read_hugepages(plan, resources, error) && read_rdma(plan, resources, error) &&
            berth_plan_read_device_rules(plan, resources, error) &&
            berth_plan_read_unified(plan, resources, error));
}
