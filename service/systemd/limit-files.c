/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The limits that Create and Update accept as systemd properties, in the form of the kernel's files
 * (cgroup-v2.rst; cgroup-v1/). They are in one table; anything else can only be set by systemd.
 * There is no state here.
 *
 * The one thing to know: when a memory limit is lowered, the kernel reclaims memory down to it
 * before the write returns, which a container with much memory can prolong. O_NONBLOCK prevents
 * this, but only since Linux 6.16, and not in v1. Therefore berthd itself writes only to new
 * cgroups, which have no memory.
 */

#include "systemd/limit-files.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>

#define CGROUPS "/sys/fs/cgroup/"

enum { DEFAULT_PERIOD_USEC = 100000 }; /* for cpu.max */

typedef enum { LIMIT_AMOUNT, LIMIT_WEIGHT, LIMIT_QUOTA } LimitKind;

typedef struct {
    const char *property;
    LimitKind kind;
    const char *controller, *file;
    const char *directory, *file_1; /* for v1; NULL if there is none */
} LimitFile;

static const LimitFile limit_files[] = {
    {"MemoryMax", LIMIT_AMOUNT, "memory", "memory.max", "memory", "memory.limit_in_bytes"},
    {"MemoryHigh", LIMIT_AMOUNT, "memory", "memory.high", NULL, NULL},
    {"MemoryLow", LIMIT_AMOUNT, "memory", "memory.low", NULL, NULL},
    {"MemoryMin", LIMIT_AMOUNT, "memory", "memory.min", NULL, NULL},
    {"MemorySwapMax", LIMIT_AMOUNT, "memory", "memory.swap.max", NULL, NULL},
    {"TasksMax", LIMIT_AMOUNT, "pids", "pids.max", "pids", "pids.max"},
    {"CPUWeight", LIMIT_WEIGHT, "cpu", "cpu.weight", NULL, NULL},
    {"IOWeight", LIMIT_WEIGHT, "io", "io.weight", NULL, NULL},
    {"CPUQuotaPerSecUSec", LIMIT_QUOTA, "cpu", "cpu.max", "cpu", "cpu.cfs_quota_us"},
};

static const LimitFile *limit_file_find(const char *property) {
    for (size_t i = 0; i < G_N_ELEMENTS(limit_files); i++)
        if (g_str_equal(limit_files[i].property, property))
            return &limit_files[i];
    return NULL;
}

/* The kernel accepts periods from 1 ms to 1 s (systemd.resource-control(5), CPUQuotaPeriodSec=). */
static uint64_t limit_get_period(GVariant *properties) {
    guint64 period = 0;

    (void)g_variant_lookup(properties, "CPUQuotaPeriodUSec", "t", &period);
    return period > 0 && period != UINT64_MAX ? CLAMP(period, 1000u, 1000000u)
                                              : DEFAULT_PERIOD_USEC;
}

/* The quota is the time per second in the property, but the time per period in the file. */
static char *limit_format(const LimitFile *limit, uint64_t value, uint64_t period) {
    if (limit->kind == LIMIT_QUOTA)
        return value == UINT64_MAX
                   ? g_strdup_printf("max %" G_GUINT64_FORMAT, (guint64)period)
                   : g_strdup_printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                                     (guint64)((double)value * (double)period / 1e6),
                                     (guint64)period);
    return value == UINT64_MAX ? g_strdup("max")
                               : g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)value);
}

/* In v1, -1 means no limit; but pids.max, which exists in both versions, uses "max". */
static char *limit_format_version_1(const LimitFile *limit, uint64_t value) {
    if (value == UINT64_MAX)
        return g_strdup(g_str_equal(limit->file_1, limit->file) ? "max" : "-1");
    if (limit->kind == LIMIT_QUOTA)
        value = (uint64_t)((double)value * DEFAULT_PERIOD_USEC / 1e6);
    return g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)value);
}

static void limit_write_clear(gpointer data) {
    BerthLimitWrite *write = data;

    berth_fd_clear(&write->file);
    g_free(write->value);
}

static int limit_open(int directory, const char *file) {
    return openat(directory, file, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

/* The file of the cgroup with the same path in the controller's own hierarchy; ENOENT if the
 * property has no file there. */
static int limit_open_version_1(const LimitFile *limit, const char *path) {
    g_autofree char *file =
        limit->directory ? g_strconcat(CGROUPS, limit->directory, path, "/", limit->file_1, NULL)
                         : NULL;

    errno = ENOENT;
    return file ? limit_open(AT_FDCWD, file) : -1;
}

static bool limit_add(GArray *writes, int cgroup, const char *path, const LimitFile *limit,
                      uint64_t value, uint64_t period, GError **error) {
    BerthLimitWrite write = {limit->property, limit_open(cgroup, limit->file), NULL};

    if (write.file >= 0)
        write.value = limit_format(limit, value, period);
    else if (errno == ENOENT && (write.file = limit_open_version_1(limit, path)) >= 0)
        write.value = limit_format_version_1(limit, value);
    else if (errno != ENOENT)
        return berth_error_set_errno(error, errno, "set %s of the cgroup \"%s\"", limit->property,
                                     path);
    if (write.file >= 0)
        g_array_append_val(writes, write);
    /* The absence of a limit needs no controller. */
    return write.file >= 0 || value == UINT64_MAX ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           "%s: the cgroup controller \"%s\" is not available in \"%s\"",
                           limit->property, limit->controller, path);
}

GArray *berth_limit_files_open(int cgroup, const char *path, GVariant *properties, GError **error) {
    g_autoptr(GArray) writes = g_array_new(FALSE, FALSE, sizeof(BerthLimitWrite));
    GVariantIter iterator;
    const char *name;
    GVariant *value;

    g_array_set_clear_func(writes, limit_write_clear);
    g_variant_iter_init(&iterator, properties);
    while (g_variant_iter_next(&iterator, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) owned = value;
        const LimitFile *limit = limit_file_find(name);
        if (g_str_has_prefix(name, "Device") || g_str_equal(name, "CPUQuotaPeriodUSec"))
            continue;
        if (!limit || !g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64)) {
            berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                            "%s cannot be set for a container in its caller's cgroup", name);
            return NULL;
        }
        if (!limit_add(writes, cgroup, path, limit, g_variant_get_uint64(value),
                       limit_get_period(properties), error))
            return NULL;
    }
    return g_steal_pointer(&writes);
}

bool berth_limit_files_write(int cgroup, const char *path, GVariant *properties, GError **error) {
    g_autoptr(GArray) writes =
        properties ? berth_limit_files_open(cgroup, path, properties, error) : NULL;

    for (guint i = 0; writes && i < writes->len; i++) {
        const BerthLimitWrite *write = &g_array_index(writes, BerthLimitWrite, i);
        if (!berth_fd_write_all(write->file, write->value, strlen(write->value)))
            return berth_error_set_errno(error, errno, "set %s of the cgroup \"%s\"",
                                         write->property, path);
    }
    return !properties || writes;
}
