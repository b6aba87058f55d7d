/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Converts "linux.resources.devices" to lists for systemd's DeviceAllow=
 * (systemd.resource-control(5)). The plan owns the list, which is all that is kept of the rules.
 */

#include "plan/plan-resources.h"

/* Rules apply in order (config-linux.md, Allowed Device list), but systemd only has a list of
 * allowed devices. Therefore "deny all" empties the list, and a rule that denies a single device is
 * refused. */
static bool read_device_rule(BerthPlan *plan, json_object *rule, GError **error) {
    const char *type, *access;
    int64_t major = -1, minor = -1;
    bool allow;

    if (!berth_document_get_bool(rule, "allow", &allow, error) ||
        !berth_document_get_string(rule, "type", &type, error) ||
        !berth_document_get_string(rule, "access", &access, error) ||
        (json_object_object_get(rule, "major") &&
         !berth_document_get_int(rule, "major", &major, error)) ||
        (json_object_object_get(rule, "minor") &&
         !berth_document_get_int(rule, "minor", &minor, error)))
        return false;
    bool all = !type || g_str_equal(type, "a") || type[0] == '\0';
    if (!access || access[0] == '\0')
        access = "rwm";
    if (!allow) {
        if (!all || major >= 0 || minor >= 0)
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "linux.resources.devices: denying single devices is not "
                                   "supported; deny all, then allow some");
        plan->device_deny = true;
        g_ptr_array_set_size(plan->device_rules, 0);
        return true;
    }
    if (all && major < 0 && minor < 0) {
        plan->device_deny = false;
        return true;
    }
    /* systemd itself takes the numbers from a path of this form, so they do not depend on any node
     * of the host. "char-*" and "char-MAJOR" stand for all devices of a type or of a driver. */
    const char *kind = g_strcmp0(type, "b") == 0 ? "block" : "char";
    g_ptr_array_add(plan->device_rules,
                    major < 0 ? g_strdup_printf("%s-* %s", kind, access)
                    : minor < 0
                        ? g_strdup_printf("%s-%" G_GINT64_FORMAT " %s", kind, major, access)
                        : g_strdup_printf("/dev/%s/%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT " %s",
                                          kind, major, minor, access));
    return true;
}

bool berth_plan_read_device_rules(BerthPlan *plan, json_object *resources, GError **error) {
    json_object *array;

    if (!berth_document_get_objects(resources, "devices", &array, error))
        return false;
    for (guint i = 0; array && i < json_object_array_length(array); i++)
        if (!read_device_rule(plan, json_object_array_get_idx(array, i), error))
            return false;
    return true;
}
