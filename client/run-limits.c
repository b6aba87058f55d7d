/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of create and run that limit the container's resources: properties of its scope, under
 * the names of podman-run(1), and resource limits of its process. Values are kept here as given,
 * and become options of Create in dist_run_limits_append().
 */

#include "client/run-limits.h"

#include "client/message.h"
#include "client/run-values.h"
#include "client/verbs-update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char *processors, *nodes, *reservation, *swap;
    gint64 weight, timeout;
    char **device_weights, **read_bytes, **write_bytes, **read_operations, **write_operations;
    char **settings, **limits;
} given;

const DistOption dist_run_limit_options[] = {
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
    {"ulimit", 0, DIST_OPTION_LIST, &given.limits,
     N_("Set a limit of processes, such as nofile or nproc"), N_("NAME=SOFT[:HARD]")},
    {"timeout", 0, DIST_OPTION_NUMBER, &given.timeout, N_("Stop it after this time"),
     N_("SECONDS")},
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

static int append_size(sd_bus_message *call, const char *key, const char *text, GError **error) {
    uint64_t bytes;

    if (!text)
        return 0;
    return dist_parse_bytes(text, &bytes, error) ? append_number(call, key, bytes) : -EINVAL;
}

/* podman's limit includes the memory, systemd's does not. */
static int append_swap(sd_bus_message *call, uint64_t memory, GError **error) {
    uint64_t bytes;

    if (!given.swap)
        return 0;
    if (g_str_equal(given.swap, "-1"))
        return append_number(call, "MemorySwapMax", UINT64_MAX);
    if (!dist_parse_bytes(given.swap, &bytes, error))
        return -EINVAL;
    if (memory == 0 || bytes < memory) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("--memory-swap needs --memory, and must not be below it"));
        return -EINVAL;
    }
    return append_number(call, "MemorySwapMax", bytes - memory);
}

/* Converts a weight of cgroup v1 (10 to 1000) to one of cgroup v2 (1 to 10000), as crun does. */
static uint64_t convert_weight(uint64_t weight) {
    return 1 + (weight - 10) * 9999 / 990;
}

static int append_weight(sd_bus_message *call, GError **error) {
    if (given.weight == 0)
        return 0;
    if (given.weight < 10 || given.weight > 1000) {
        g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, given.weight);
        return fail_limit(error, "--blkio-weight", text);
    }
    return append_number(call, "IOWeight", convert_weight((uint64_t)given.weight));
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
    const DeviceLimit limits[] = {
        {"--device-read-bps", "IOReadBandwidthMax", DEVICE_BYTES, given.read_bytes},
        {"--device-write-bps", "IOWriteBandwidthMax", DEVICE_BYTES, given.write_bytes},
        {"--device-read-iops", "IOReadIOPSMax", DEVICE_OPERATIONS, given.read_operations},
        {"--device-write-iops", "IOWriteIOPSMax", DEVICE_OPERATIONS, given.write_operations},
        {"--blkio-weight-device", "IODeviceWeight", DEVICE_WEIGHT, given.device_weights},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(limits); i++)
        r = append_device_limit(call, &limits[i], error);
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

/* The service checks the names. */
static int append_limits(sd_bus_message *call, GError **error) {
    for (char **limit = given.limits; limit && *limit; limit++)
        if (!strchr(*limit, '='))
            return fail_limit(error, "--ulimit", *limit);
    return dist_append_labels(call, "ResourceLimits", given.limits);
}

static int append_timeout(sd_bus_message *call, GError **error) {
    if (given.timeout < 0 || given.timeout > INT32_MAX) {
        g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, given.timeout);
        return fail_limit(error, "--timeout", text);
    }
    return given.timeout == 0
               ? 0
               : append_number(call, "RuntimeMaxUSec", (uint64_t)given.timeout * G_USEC_PER_SEC);
}

/* memory: of --memory, which --memory-swap includes; 0 if not given. */
int dist_run_limits_append(sd_bus_message *call, uint64_t memory, GError **error) {
    int r = 0;

    if ((given.processors &&
         (r = dist_append_cpu_list(call, "AllowedCPUs", given.processors, error)) < 0) ||
        (given.nodes &&
         (r = dist_append_cpu_list(call, "AllowedMemoryNodes", given.nodes, error)) < 0) ||
        (r = append_size(call, "MemoryLow", given.reservation, error)) < 0 ||
        (r = append_swap(call, memory, error)) < 0 || (r = append_weight(call, error)) < 0 ||
        (r = append_devices(call, error)) < 0 || (r = append_limits(call, error)) < 0 ||
        (r = append_timeout(call, error)) < 0)
        return r;
    for (char **setting = given.settings; setting && *setting; setting++)
        if ((r = append_setting(call, *setting, error)) < 0)
            return r;
    return r;
}
