/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist update: changes the limits of a running container, which are resource properties of its
 * scope (systemd.resource-control(5)).
 */

#include "client/verbs-update.h"

#include "base/cpu-list.h"
#include "client/bus.h"

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

/* On the bus, AllowedCPUs and AllowedMemoryNodes are bit masks of type "ay", as in systemd. */
int dist_append_cpu_list(sd_bus_message *call, const char *name, const char *text, GError **error) {
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
        return dist_append_cpu_list(call, name, parts[1], error);
    if (g_str_has_prefix(name, "ManagedOOM"))
        return sd_bus_message_append(call, "{sv}", name, "s", parts[1]);
    if (!parse_number(name, parts[1], &number, error))
        return -EINVAL;
    return sd_bus_message_append(call, "{sv}", name, "t", number);
}

int dist_verb_update(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    int r;

    sd_bus_message *call = dist_new_call(error, DIST_CONTAINERS, "Update");
    if (!call)
        return EXIT_FAILURE;
    if ((r = sd_bus_message_append(call, "s", argv[1])) >= 0)
        r = sd_bus_message_open_container(call, 'a', "{sv}");
    for (int i = 2; r >= 0 && i < argc; i++)
        r = append_property(call, argv[i], error);
    if (r < 0 || (r = sd_bus_message_close_container(call)) < 0 ||
        (r = sd_bus_message_append(call, "a{sv}", 0)) < 0) {
        sd_bus_message_unref(call);
        if (!*error)
            dist_bad_reply(r, error);
        return EXIT_FAILURE;
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}
