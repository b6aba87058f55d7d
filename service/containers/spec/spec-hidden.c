/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a container cannot see of /proc and /sys: the paths that Berth's own configurations mask or
 * make read-only, and whether a caller's configuration hides as much. There is no state here.
 */

#include "containers/spec/spec.h"

#include <fnmatch.h>

static const char *const masked_paths[] = {
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/dev/block",
    "/sys/firmware",
    "/sys/fs/selinux",
    NULL,
};

static const char *const read_only_paths[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static bool has_all(char *const *paths, const char *const *wanted) {
    for (; *wanted; wanted++)
        if (!paths || !g_strv_contains((const char *const *)paths, *wanted))
            return false;
    return true;
}

bool berth_spec_hides_as_default(const BerthPlan *plan) {
    return has_all(plan->masked_paths, masked_paths) &&
           has_all(plan->read_only_paths, read_only_paths);
}

/* The paths masked by "runc spec" and "crun spec". */
static const char *const usual_masked_paths[] = {
    "/proc/acpi",        "/proc/asound",     "/proc/kcore", "/proc/keys",    "/proc/latency_stats",
    "/proc/sched_debug", "/proc/timer_list", "/proc/scsi",  "/sys/firmware", NULL,
};

bool berth_spec_hides_as_usual(const BerthPlan *plan) {
    return has_all(plan->masked_paths, usual_masked_paths) &&
           has_all(plan->read_only_paths, read_only_paths);
}

const char *const *berth_spec_get_masked_paths(void) {
    return masked_paths;
}

const char *const *berth_spec_get_read_only_paths(void) {
    return read_only_paths;
}

/* FNM_PATHNAME: as in a shell, which podman-run(1) refers to. */
static bool hidden_is_matched(const char *path, char *const *patterns) {
    for (; patterns && *patterns; patterns++)
        if (g_str_equal(*patterns, "ALL") || fnmatch(*patterns, path, FNM_PATHNAME) == 0)
            return true;
    return false;
}

char **berth_spec_list_hidden(const char *const *defaults, char *const *patterns,
                              char *const *others) {
    GPtrArray *paths = g_ptr_array_new();

    for (; *defaults; defaults++)
        if (!hidden_is_matched(*defaults, patterns))
            g_ptr_array_add(paths, g_strdup(*defaults));
    for (; others && *others; others++)
        g_ptr_array_add(paths, g_strdup(*others));
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, FALSE);
}
