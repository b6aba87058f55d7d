/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Limits of a process (setrlimit(2)) from the options of Create. They are checked, named as
 * privileges if they are above the service's own, and written into the configuration. There is no
 * state here; plan/ knows the names.
 */

#include "containers/spec/resource-limits.h"

#include "base/document-members.h"
#include "containers/spec/privilege-names.h"
#include "plan/plan.h"

#include <string.h>
#include <sys/resource.h>

typedef struct {
    char name[32]; /* RLIMIT_NAME */
    int resource;
    uint64_t soft, hard;
} ResourceLimit;

static bool parse_value(const char *text, uint64_t *value) {
    *value = RLIM_INFINITY;
    return g_str_equal(text, "infinity") || g_str_equal(text, "unlimited") ||
           g_str_equal(text, "-1") ||
           (g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX, value, NULL));
}

static bool parse_limit(const char *name, const char *text, ResourceLimit *limit) {
    g_auto(GStrv) values = g_strsplit(text, ":", 3);
    guint count = g_strv_length(values);
    g_autofree char *upper = g_ascii_strup(name, -1);

    if (strlen(name) > 20 || count < 1 || count > 2 || !parse_value(values[0], &limit->soft) ||
        !parse_value(values[count - 1], &limit->hard))
        return false;
    g_snprintf(limit->name, sizeof limit->name, "RLIMIT_%s", upper);
    return berth_plan_find_limit(limit->name, &limit->resource) && limit->soft <= limit->hard;
}

bool berth_resource_limits_check(char *const *limits, GError **error) {
    ResourceLimit limit;

    for (; limits && *limits; limits += 2)
        if (!parse_limit(limits[0], limits[1], &limit))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid resource limit \"%.100s\" of \"%.100s\"; give the name "
                                   "of a limit of setrlimit(2), and SOFT or SOFT:HARD",
                                   limits[0], limits[1]);
    return true;
}

bool berth_resource_limit_is_raised(int resource, uint64_t hard) {
    struct rlimit own;

    return getrlimit((__rlimit_resource_t)resource, &own) < 0 || hard > own.rlim_max;
}

void berth_resource_limits_add_privileges(GPtrArray *names, char *const *limits) {
    ResourceLimit limit;

    for (; limits && *limits; limits += 2)
        if (parse_limit(limits[0], limits[1], &limit) &&
            berth_resource_limit_is_raised(limit.resource, limit.hard))
            berth_privileges_add(names, "limit:", limit.name);
}

/* RLIM_INFINITY is too large for a JSON number; plan/ reads -1 as the same value. */
static void append_limit(json_object *list, const ResourceLimit *limit) {
    json_object *item = berth_document_append_object(list);

    berth_document_add_string(item, "type", limit->name);
    berth_document_add_int(item, "soft", (int64_t)limit->soft);
    berth_document_add_int(item, "hard", (int64_t)limit->hard);
}

void berth_resource_limits_add(json_object *process, char *const *limits) {
    /* The service has raised its own limit on descriptors; programs that use select(2) need the
     * usual one. */
    const ResourceLimit usual = {"RLIMIT_NOFILE", RLIMIT_NOFILE, 1024, 524288};
    json_object *list = berth_document_add_array(process, "rlimits");
    bool has_descriptors = false;
    ResourceLimit limit;

    for (; limits && *limits; limits += 2)
        if (parse_limit(limits[0], limits[1], &limit)) {
            append_limit(list, &limit);
            has_descriptors |= limit.resource == RLIMIT_NOFILE;
        }
    if (!has_descriptors)
        append_limit(list, &usual);
}
