/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options that limit a container's resources, under the names of podman-run(1): those of create,
 * run and update, which become properties of its scope. dist_limits_complete() reads the numbers
 * once, after the whole command line has been parsed; lists are read in dist_limits_append().
 */

#include "client/scope-limits.h"

#include "base/cpu-list.h"
#include "client/message.h"
#include "client/run-values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char *memory, *swap, *reservation, *cpus, *processors, *nodes;
    gint64 cpu_shares, cpu_period, cpu_quota, tasks, tasks_limit, weight;
    char **device_weights, **read_bytes, **write_bytes, **read_operations, **write_operations;
    char **settings;
} given;

/* Set by dist_limits_complete(). 0: not given; UINT64_MAX: no limit. */
static struct {
    uint64_t memory, reservation, cpu_usec, cpu_weight, tasks, io_weight;
    uint64_t swap; /* 0 is a limit if has_swap is set */
    bool has_swap;
} limits;

const DistOption dist_limit_options[] = {
    {"memory", 'm', DIST_OPTION_TEXT, &given.memory,
     N_("Limit the memory; with suffix K, M, G or T"), N_("BYTES")},
    {"cpus", 0, DIST_OPTION_TEXT, &given.cpus, N_("Limit the CPU time, in processors"),
     N_("NUMBER")},
    {"cpu-shares", 'c', DIST_OPTION_NUMBER, &given.cpu_shares,
     N_("Set the share of the CPU time; 1024 if not given"), N_("NUMBER")},
    {"cpu-period", 0, DIST_OPTION_NUMBER, &given.cpu_period,
     N_("Set the length of the period of --cpu-quota"), N_("MICROSECONDS")},
    {"cpu-quota", 0, DIST_OPTION_NUMBER, &given.cpu_quota, N_("Limit the CPU time per period"),
     N_("MICROSECONDS")},
    {"pids-limit", 0, DIST_OPTION_NUMBER, &given.tasks_limit,
     N_("Limit the number of tasks; -1: no limit"), N_("NUMBER")},
    {"pids", 0, DIST_OPTION_NUMBER, &given.tasks, N_("Limit the number of tasks"), N_("NUMBER")},
    {"cpuset-cpus", 0, DIST_OPTION_TEXT, &given.processors,
     N_("Limit it to these processors, such as 0-3,7"), N_("LIST")},
    {"cpuset-mems", 0, DIST_OPTION_TEXT, &given.nodes, N_("Limit it to these memory nodes"),
     N_("LIST")},
    {"memory-reservation", 0, DIST_OPTION_TEXT, &given.reservation,
     N_("Protect this much memory from being reclaimed"), N_("BYTES")},
    {"memory-swap", 0, DIST_OPTION_TEXT, &given.swap,
     N_("Limit memory and swap space together; -1: no limit"), N_("BYTES")},
    {"blkio-weight", 0, DIST_OPTION_NUMBER, &given.weight,
     N_("Set the share of the disks' time, 10 to 1000"), N_("NUMBER")},
    {"blkio-weight-device", 0, DIST_OPTION_LIST, &given.device_weights,
     N_("The same for a single device"), N_("DEVICE:NUMBER")},
    {"device-read-bps", 0, DIST_OPTION_LIST, &given.read_bytes,
     N_("Limit the bytes read from a device in a second"), N_("DEVICE:BYTES")},
    {"device-write-bps", 0, DIST_OPTION_LIST, &given.write_bytes,
     N_("Limit the bytes written to a device in a second"), N_("DEVICE:BYTES")},
    {"device-read-iops", 0, DIST_OPTION_LIST, &given.read_operations,
     N_("Limit the reads from a device in a second"), N_("DEVICE:NUMBER")},
    {"device-write-iops", 0, DIST_OPTION_LIST, &given.write_operations,
     N_("Limit the writes to a device in a second"), N_("DEVICE:NUMBER")},
    {"cgroup-conf", 0, DIST_OPTION_LIST, &given.settings,
     N_("Set a file of the cgroup, such as memory.high"), N_("FILE=VALUE")},
    DIST_OPTION_END,
};

/* Sets error and returns a negative errno, as sd-bus does. */
static int fail_limit(GError **error, const char *option, const char *value) {
    berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("invalid value \"%s\" of %s"), value,
                    option);
    return -EINVAL;
}

static int append_number(sd_bus_message *call, const char *key, uint64_t number) {
    return sd_bus_message_append(call, "{sv}", key, "t", number);
}

static bool limits_set_number_error(const char *option, gint64 number, GError **error) {
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, number);

    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("%s %s: the number must not be negative"), option, text);
}

/* least is the smallest valid value: -1 means no limit. */
static bool limits_check_numbers(GError **error) {
    const struct {
        const char *option;
        gint64 value, least;
    } numbers[] = {
        {"--pids", given.tasks, 0},
        {"--pids-limit", given.tasks_limit, -1},
        {"--cpu-shares", given.cpu_shares, 0},
        {"--cpu-period", given.cpu_period, 0},
        {"--cpu-quota", given.cpu_quota, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].value < numbers[i].least)
            return limits_set_number_error(numbers[i].option, numbers[i].value, error);
    return true;
}

/* 0 is no limit, as in podman. */
static bool limits_read_bytes(const char *text, uint64_t *bytes, GError **error) {
    if (text && g_str_equal(text, "0"))
        *bytes = UINT64_MAX;
    else if (text)
        return dist_parse_bytes(text, bytes, error);
    return true;
}

/* podman's limit includes the memory, systemd's does not. -1: no limit. */
static bool limits_read_swap(GError **error) {
    uint64_t both;

    limits.has_swap = given.swap != NULL;
    if (!given.swap)
        return true;
    if (g_str_equal(given.swap, "-1")) {
        limits.swap = UINT64_MAX;
        return true;
    }
    if (!dist_parse_bytes(given.swap, &both, error))
        return false;
    if (limits.memory == 0 || both < limits.memory)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("--memory-swap needs --memory, and must not be below it"));
    limits.swap = both - limits.memory;
    return true;
}

/* Converts CPU shares of cgroup v1 (2 to 262144), which docker's option takes, to a weight of
 * cgroup v2 (1 to 10000), as runc and crun do. 0: not given. */
static uint64_t convert_shares(gint64 shares) {
    return shares <= 0 ? 0 : 1 + ((uint64_t)CLAMP(shares, 2, 262144) - 2) * 9999 / 262142;
}

/* 0 is no limit, as in podman. */
static bool limits_read_processors(GError **error) {
    if (g_strcmp0(given.cpus, "0") == 0)
        limits.cpu_usec = UINT64_MAX;
    else if (given.cpus && !dist_parse_cpus(given.cpus, &limits.cpu_usec, error))
        return false;
    /* --cpu-quota overrides --cpus. Its period defaults to 100 ms, as in the kernel (cgroup-v2,
     * cpu.max). */
    if (given.cpu_quota > 0)
        limits.cpu_usec = (uint64_t)given.cpu_quota * G_USEC_PER_SEC /
                          (uint64_t)(given.cpu_period > 0 ? given.cpu_period : 100000);
    limits.cpu_weight = convert_shares(given.cpu_shares);
    return true;
}

/* Converts a weight of cgroup v1 (10 to 1000) to one of cgroup v2 (1 to 10000), as crun does. */
static uint64_t convert_weight(uint64_t weight) {
    return 1 + (weight - 10) * 9999 / 990;
}

static bool limits_read_weight(GError **error) {
    if (given.weight == 0)
        return true;
    if (given.weight < 10 || given.weight > 1000) {
        g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, given.weight);
        return fail_limit(error, "--blkio-weight", text) >= 0;
    }
    limits.io_weight = convert_weight((uint64_t)given.weight);
    return true;
}

static void limits_mark_given(const DistOption *option, void *userdata) {
    bool *any = userdata;

    if (option->kind == DIST_OPTION_NUMBER)
        *any |= *(const gint64 *)option->target != 0;
    else if (option->kind == DIST_OPTION_TEXT)
        *any |= *(char *const *)option->target != NULL;
    else if (option->kind == DIST_OPTION_LIST)
        *any |= *(char **const *)option->target != NULL;
}

bool dist_limits_are_given(void) {
    bool any = false;

    dist_option_visit(dist_limit_options, limits_mark_given, &any);
    return any;
}

bool dist_limits_complete(GError **error) {
    gint64 tasks = given.tasks_limit ? given.tasks_limit : given.tasks;

    limits.tasks = tasks < 0 ? UINT64_MAX : (uint64_t)tasks;
    return limits_check_numbers(error) && limits_read_bytes(given.memory, &limits.memory, error) &&
           limits_read_bytes(given.reservation, &limits.reservation, error) &&
           limits_read_swap(error) && limits_read_processors(error) && limits_read_weight(error);
}

static int append_numbers(sd_bus_message *call) {
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"MemoryMax", limits.memory},
        {"MemoryLow", limits.reservation},
        {"CPUQuotaPerSecUSec", limits.cpu_usec},
        {"CPUWeight", limits.cpu_weight},
        {"TasksMax", limits.tasks},
        {"IOWeight", limits.io_weight},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].value > 0)
            r = append_number(call, numbers[i].key, numbers[i].value);
    return r >= 0 && limits.has_swap ? append_number(call, "MemorySwapMax", limits.swap) : r;
}

typedef enum { DEVICE_BYTES, DEVICE_OPERATIONS, DEVICE_WEIGHT } DeviceValue;

static bool read_device_value(DeviceValue kind, const char *text, uint64_t *value) {
    if (kind == DEVICE_BYTES)
        return dist_parse_bytes(text, value, NULL);
    if (kind == DEVICE_OPERATIONS)
        return g_ascii_string_to_unsigned(text, 10, 1, INT64_MAX, value, NULL);
    if (!g_ascii_string_to_unsigned(text, 10, 10, 1000, value, NULL))
        return false;
    *value = convert_weight(*value);
    return true;
}

typedef struct {
    const char *option, *key;
    DeviceValue kind;
    char *const *values; /* DEVICE:VALUE */
} DeviceLimit;

/* The service checks the path. It must be absolute, since the service has another working
 * directory. */
static int append_device_limit(sd_bus_message *call, const DeviceLimit *limit, GError **error) {
    int r;

    if (!limit->values)
        return 0;
    if ((r = dist_open_list(call, limit->key, "(st)")) < 0)
        return r;
    for (char *const *entry = limit->values; *entry; entry++) {
        const char *colon = strrchr(*entry, ':');
        g_autofree char *path = colon ? g_strndup(*entry, (size_t)(colon - *entry)) : NULL;
        uint64_t value;
        if (!path || path[0] != '/' || !read_device_value(limit->kind, colon + 1, &value))
            return fail_limit(error, limit->option, *entry);
        if ((r = sd_bus_message_append(call, "(st)", path, value)) < 0)
            return r;
    }
    return dist_close_list(call);
}

static int append_devices(sd_bus_message *call, GError **error) {
    const DeviceLimit devices[] = {
        {"--device-read-bps", "IOReadBandwidthMax", DEVICE_BYTES, given.read_bytes},
        {"--device-write-bps", "IOWriteBandwidthMax", DEVICE_BYTES, given.write_bytes},
        {"--device-read-iops", "IOReadIOPSMax", DEVICE_OPERATIONS, given.read_operations},
        {"--device-write-iops", "IOWriteIOPSMax", DEVICE_OPERATIONS, given.write_operations},
        {"--blkio-weight-device", "IODeviceWeight", DEVICE_WEIGHT, given.device_weights},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(devices); i++)
        r = append_device_limit(call, &devices[i], error);
    return r;
}

/* Files of the cgroup for which systemd has a property; systemd would overwrite changes to any of
 * them. */
static const struct {
    const char *file, *property;
} cgroup_files[] = {
    {"cpu.weight", "CPUWeight"},          {"io.weight", "IOWeight"},
    {"memory.high", "MemoryHigh"},        {"memory.low", "MemoryLow"},
    {"memory.max", "MemoryMax"},          {"memory.min", "MemoryMin"},
    {"memory.swap.max", "MemorySwapMax"}, {"pids.max", "TasksMax"},
};

/* The values of all these files are numbers or "max", so dist_parse_bytes() can read them. */
static int append_setting(sd_bus_message *call, const char *setting, GError **error) {
    g_auto(GStrv) parts = g_strsplit(setting, "=", 2);
    uint64_t value = UINT64_MAX;
    size_t i = 0;

    if (g_strv_length(parts) != 2 ||
        (!g_str_equal(parts[1], "max") && !dist_parse_bytes(parts[1], &value, NULL)))
        return fail_limit(error, "--cgroup-conf", setting);
    while (i < G_N_ELEMENTS(cgroup_files) && !g_str_equal(cgroup_files[i].file, parts[0]))
        i++;
    if (i == G_N_ELEMENTS(cgroup_files)) {
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                        _("--cgroup-conf: systemd has no property for the file %s"), parts[0]);
        return -EINVAL;
    }
    return append_number(call, cgroup_files[i].property, value);
}

/* On the bus, AllowedCPUs and AllowedMemoryNodes are bit masks of type "ay", as in systemd. */
int dist_limits_append_cpus(sd_bus_message *call, const char *name, const char *text,
                            GError **error) {
    uint8_t bits[BERTH_CPU_LIST_BYTES];
    size_t size;
    int r;

    if (!berth_cpu_list_parse(text, bits, &size)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("\"%s\" is not a value of %s"), text,
                        name);
        return -EINVAL;
    }
    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", name)) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', "ay")) < 0 ||
        (r = sd_bus_message_append_array(call, 'y', bits, size)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static int append_processors(sd_bus_message *call, GError **error) {
    int r = given.processors ? dist_limits_append_cpus(call, "AllowedCPUs", given.processors, error)
                             : 0;

    return r < 0 || !given.nodes
               ? r
               : dist_limits_append_cpus(call, "AllowedMemoryNodes", given.nodes, error);
}

int dist_limits_append(sd_bus_message *call, GError **error) {
    int r = append_numbers(call);

    if (r < 0 || (r = append_processors(call, error)) < 0 || (r = append_devices(call, error)) < 0)
        return r;
    for (char **setting = given.settings; setting && *setting; setting++)
        if ((r = append_setting(call, *setting, error)) < 0)
            return r;
    return r;
}
