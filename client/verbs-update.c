/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist update: changes the limits of containers, which are resource properties of their scopes:
 * given with the options of run, or under systemd's names (systemd.resource-control(5)).
 */

#include "client/verbs-update.h"

#include "client/bus.h"
#include "client/each.h"
#include "client/run-options.h"
#include "client/scope-limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Parses a value as systemd's tools do. The property decides about the unit: K, M, G or T for
 * Memory…, "%" for the CPU quota (1 % is 10000 µs per second), otherwise none. "infinity" is
 * UINT64_MAX, as in systemd. */
static bool parse_number(const char *name, const char *text, uint64_t *number, GError **error) {
    static const char units[] = "KMGT";
    char *end;
    double value = g_ascii_strtod(text, &end);
    const char *unit =
        *end && g_str_has_prefix(name, "Memory") ? strchr(units, g_ascii_toupper(*end)) : NULL;

    *number = UINT64_MAX;
    if (g_str_equal(text, "infinity"))
        return true;
    for (const char *u = units; unit && u <= unit; u++)
        value *= 1024;
    bool percent = g_str_equal(name, "CPUQuotaPerSecUSec") && *end == '%';
    if (percent)
        value *= 10000;
    end += unit || percent;
    if (end == text || *end != '\0' || !(value >= 0 && value < 1e18))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("\"%s\" is not a value of %s"), text, name);
    *number = (uint64_t)value;
    return true;
}

static int append_property(sd_bus_message *call, const char *assignment, GError **error) {
    g_auto(GStrv) parts = g_strsplit(assignment, "=", 2);
    uint64_t number;

    if (g_strv_length(parts) != 2) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        _("\"%s\" is not of the form PROPERTY=VALUE"), assignment);
        return -EINVAL;
    }
    /* CPUQuota= is the name in unit files (systemd.resource-control(5)), the other one is used on
     * the bus. */
    const char *name = g_str_equal(parts[0], "CPUQuota") ? "CPUQuotaPerSecUSec" : parts[0];
    if (g_str_has_prefix(name, "Allowed"))
        return dist_limits_append_cpus(call, name, parts[1], error);
    if (g_str_has_prefix(name, "ManagedOOM"))
        return sd_bus_message_append(call, "{sv}", name, "s", parts[1]);
    if (!parse_number(name, parts[1], &number, error))
        return -EINVAL;
    return sd_bus_message_append(call, "{sv}", name, "t", number);
}

const DistOption dist_update_options[] = {
    DIST_OPTION_INCLUDE(dist_limit_options),
    {"restart", 0, DIST_OPTION_REFUSED, NULL,
     N_("create the container again, with \"dist run --replace\""), N_("WHEN")},
    DIST_OPTION_INCLUDE(dist_limit_refused_options),
    DIST_OPTION_END,
};

/* The caller owns the call. Of two values for a property, the service takes the last: that of
 * PROPERTY=VALUE. */
static sd_bus_message *make_update(const char *id, const void *userdata, GError **error) {
    g_autoptr(sd_bus_message) call = dist_new_call(error, DIST_CONTAINERS, "Update");
    g_autoptr(GError) local = NULL;
    int r;

    if (!call)
        return NULL;
    if ((r = sd_bus_message_append(call, "s", id)) >= 0 &&
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) >= 0)
        r = dist_limits_append(call, &local);
    for (char *const *property = userdata; r >= 0 && *property; property++)
        r = append_property(call, *property, &local);
    if (r >= 0 && (r = sd_bus_message_close_container(call)) >= 0)
        r = sd_bus_message_append(call, "a{sv}", 0);
    if (r >= 0)
        return g_steal_pointer(&call);
    if (!local)
        dist_bad_reply(r, &local);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

/* No id contains "=", so the properties begin at the first word that does. */
static char **find_properties(char **argv) {
    while (*argv && !strchr(*argv, '='))
        argv++;
    return argv;
}

/* The first call is made twice, so that a wrong value is reported once instead of for each
 * container, and before any has changed. */
int dist_verb_update(char **argv, GError **error) {
    char **properties = find_properties(argv + 1);

    if (properties == argv + 1 || (!*properties && !dist_limits_are_given())) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("update needs containers, and options or properties to change"));
        return EXIT_FAILURE;
    }
    if (!dist_limits_complete(error))
        return EXIT_FAILURE;
    g_autoptr(sd_bus_message) checked = make_update(argv[1], properties, error);
    if (!checked)
        return EXIT_FAILURE;
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (char **id = argv + 1; id < properties; id++)
        g_ptr_array_add(ids, *id);
    g_ptr_array_add(ids, NULL);
    return dist_ask_each((char *const *)ids->pdata, make_update, properties);
}
