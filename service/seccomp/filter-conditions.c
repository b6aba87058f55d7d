/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Evaluates the conditions of a rule, "includes" and "excludes". There is no state here: they are
 * parsed again for each rule. An unknown member is an error, since ignoring it would widen or
 * narrow the filter.
 */

#include "seccomp/filter-conditions.h"

#include "bare/kernel.h"
#include "base/platform.h"

#include <string.h>
#include <sys/capability.h>

typedef struct {
    char **capabilities, **architectures;
    const char *kernel;
} Conditions;

static void clear_conditions(Conditions *conditions) {
    g_strfreev(conditions->capabilities);
    g_strfreev(conditions->architectures);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Conditions, clear_conditions)

static bool check_members(json_object *object, GError **error) {
    static const char *const known[] = {"caps", "arches", "minKernel", NULL};

    json_object_object_foreach(object, member, value) {
        if (!g_strv_contains(known, member))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "seccomp: the condition \"%.100s\" is not supported", member);
    }
    return true;
}

static bool read_conditions(json_object *rule, const char *name, Conditions *conditions,
                            GError **error) {
    json_object *object;

    if (!berth_document_get_object(rule, name, &object, error))
        return false;
    if (!object)
        return true;
    return check_members(object, error) &&
           berth_document_get_strings(object, "caps", &conditions->capabilities, error) &&
           berth_document_get_strings(object, "arches", &conditions->architectures, error) &&
           berth_document_get_string(object, "minKernel", &conditions->kernel, error);
}

/* No process has a capability that this system does not know. */
static bool has_capability(uint64_t capabilities, const char *name) {
    cap_value_t value;

    return cap_from_name(name, &value) == 0 && (capabilities >> value & 1);
}

static bool is_architecture(const char *name) {
    g_autoptr(BerthPlatform) machine = berth_platform_parse(NULL, NULL);

    return machine && g_str_equal(machine->architecture, name);
}

static bool is_kernel(const char *version, bool *result, GError **error) {
    unsigned major, minor;

    if (!berth_kernel_parse(version, &major, &minor))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "seccomp: \"%.100s\" is not a kernel version", version);
    *result = berth_kernel_is(major, minor);
    return true;
}

/* As in moby: all of the capabilities and one of the architectures must match, and the kernel must
 * be at least as new. */
static bool check_includes(const Conditions *conditions, uint64_t capabilities, bool kernel) {
    bool architecture = !conditions->architectures || !conditions->architectures[0];

    for (char **name = conditions->capabilities; name && *name; name++)
        if (!has_capability(capabilities, *name))
            return false;
    for (char **name = conditions->architectures; name && *name; name++)
        architecture = architecture || is_architecture(*name);
    return architecture && (!conditions->kernel || kernel);
}

/* The opposite: one matching capability, one matching architecture or the kernel is enough to
 * exclude the rule. */
static bool check_excludes(const Conditions *conditions, uint64_t capabilities, bool kernel) {
    for (char **name = conditions->capabilities; name && *name; name++)
        if (has_capability(capabilities, *name))
            return false;
    for (char **name = conditions->architectures; name && *name; name++)
        if (is_architecture(*name))
            return false;
    return !conditions->kernel || !kernel;
}

bool berth_filter_check_conditions(json_object *rule, uint64_t capabilities, bool *applies,
                                   GError **error) {
    g_auto(Conditions) includes = {NULL}, excludes = {NULL};
    bool included_kernel = false, excluded_kernel = false;

    if (!read_conditions(rule, "includes", &includes, error) ||
        !read_conditions(rule, "excludes", &excludes, error) ||
        (includes.kernel && !is_kernel(includes.kernel, &included_kernel, error)) ||
        (excludes.kernel && !is_kernel(excludes.kernel, &excluded_kernel, error)))
        return false;
    *applies = check_includes(&includes, capabilities, included_kernel) &&
               check_excludes(&excludes, capabilities, excluded_kernel);
    return true;
}
