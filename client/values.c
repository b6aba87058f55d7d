/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses values of options that also occur in unit files: berth-generator checks them with the same
 * code (generator/values.c), so this file needs nothing but GLib. No state is kept.
 */

#include "client/values.h"

#include "client/translate.h"

#include <string.h>

enum { MAX_PORTS = 1024 };

/* "512M", "1.5GiB", "100b": units are powers of 1024 however they are written. The bounds keep the
 * result within 64 bits. */
bool dist_parse_bytes(const char *text, uint64_t *bytes, GError **error) {
    static const char units[] = "KMGT";
    char *end;
    double value = g_ascii_strtod(text, &end);
    const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;

    for (const char *u = units; unit && u <= unit; u++)
        value *= 1024;
    end += unit != NULL;
    end += g_ascii_toupper(*end) == 'I';
    end += g_ascii_toupper(*end) == 'B';
    if (end == text || *end != '\0' || !(value >= 1 && value < 1e18))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("invalid amount of memory \"%s\"; use a form such as 512M"), text);
    *bytes = (uint64_t)value;
    return true;
}

/* Converts a number of processors to CPU time per second, systemd's CPUQuotaPerSecUSec. */
bool dist_parse_cpus(const char *text, uint64_t *usec, GError **error) {
    char *end;
    double value = g_ascii_strtod(text, &end);

    if (end == text || *end != '\0' || !(value > 0.0001 && value < 100000))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("invalid number of processors \"%s\""), text);
    *usec = (uint64_t)(value * G_USEC_PER_SEC);
    return true;
}

/* Reads the unit at *at and moves past it; the default is seconds. 0 if it is not a unit. */
static double read_time_unit(const char **at) {
    static const struct {
        const char *name;
        double usec;
    } units[] = {{"ms", 1e3}, {"us", 1}, {"h", 3600e6}, {"m", 60e6}, {"s", 1e6}};

    if (**at == '\0')
        return G_USEC_PER_SEC;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (g_str_has_prefix(*at, units[i].name)) {
            *at += strlen(units[i].name);
            return units[i].usec;
        }
    return 0;
}

/* In Go's format, as in podman and docker: "1h30m", "1.5s", "500ms", or a number of seconds. text
 * may be NULL, which yields 0. */
bool dist_parse_duration(const char *option, const char *text, uint64_t *usec, GError **error) {
    const char *at = text;
    double total = 0;

    if (at && at[0] == '-')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("%s %s: the number must not be negative"), option, text);
    while (at && *at) {
        char *end;
        double value = g_ascii_strtod(at, &end);
        bool is_number = end != at && value >= 0;
        at = end;
        double unit = is_number ? read_time_unit(&at) : 0;
        total += value * unit;
        if (unit <= 0 || !(total < 1e18))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("%s %s is not a time span; use a form such as 1m30s"), option,
                                   text);
    }
    *usec = (uint64_t)total;
    return true;
}

/* Whether the host has such a time zone. One without these files cannot tell. Names are relative,
 * and never lead out of the directory. */
bool dist_is_timezone(const char *zone) {
    static const char root[] = "/usr/share/zoneinfo";
    g_autofree char *path = g_build_filename(root, zone, NULL);

    if (!zone[0] || zone[0] == '/' || strstr(zone, "..") || strpbrk(zone, " =\n"))
        return false;
    return !g_file_test(root, G_FILE_TEST_IS_DIR) || g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

/* Reads "8000-8002", or "80" as a range of one. */
static bool run_read_port_range(const char *text, guint64 *first, guint64 *last) {
    g_auto(GStrv) ends = g_strsplit(text, "-", 2);

    return ends[0] && g_ascii_string_to_unsigned(ends[0], 10, 1, 65535, first, NULL) &&
           g_ascii_string_to_unsigned(ends[1] ? ends[1] : ends[0], 10, *first, 65535, last, NULL);
}

/* Appends a port or, for a range, each of its ports. The last colon separates host and container
 * ports, since an IPv6 address has colons as well. If no host port is given, the service chooses
 * one: 0. */
static bool expand_port(GPtrArray *list, const char *port, GError **error) {
    g_auto(GStrv) halves = g_strsplit(port, "/", 2);
    const char *whole = halves[0] ? halves[0] : "";
    const char *colon = strrchr(whole, ':');
    const char *container = colon ? colon + 1 : whole;
    g_autofree char *outer = g_strndup(whole, colon ? (gsize)(colon - whole) : 0);
    char *host = strrchr(outer, ':') ? strrchr(outer, ':') + 1 : outer;
    g_autofree char *address = g_strndup(outer, (gsize)(host - outer));
    bool any = host[0] == '\0';
    guint64 first = 0, last, inner, inner_last;

    /* The service checks a single port. */
    if (!strchr(port, '-')) {
        g_ptr_array_add(list, g_strconcat(address, any ? "0" : host, ":", container,
                                          halves[0] && halves[1] ? "/" : NULL, halves[1], NULL));
        return true;
    }
    if (!run_read_port_range(container, &inner, &inner_last) ||
        !(any || run_read_port_range(host, &first, &last)) ||
        (!any && last - first != inner_last - inner) ||
        list->len + (inner_last - inner) > MAX_PORTS)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("--publish %s: the ranges must have the same length, at most "
                                 "%d ports in all"),
                               port, MAX_PORTS);
    for (guint64 i = 0; i <= inner_last - inner; i++)
        g_ptr_array_add(list, g_strdup_printf("%s%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT "%s%s",
                                              address, any ? 0 : first + i, inner + i,
                                              halves[1] ? "/" : "", halves[1] ? halves[1] : ""));
    return true;
}

/* A port that is given twice, perhaps within a range, is published once. tcp is the default
 * protocol. */
static void add_ports_once(GPtrArray *once, const GPtrArray *list) {
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < list->len; i++) {
        const char *port = list->pdata[i];
        g_autofree char *whole = g_strconcat(port, strchr(port, '/') ? "" : "/tcp", NULL);
        if (g_hash_table_add(seen, g_ascii_strdown(whole, -1)))
            g_ptr_array_add(once, g_strdup(port));
    }
}

char **dist_expand_ports(char *const *ports, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) once = g_ptr_array_new();

    for (; ports && *ports; ports++)
        if (!expand_port(list, *ports, error))
            return NULL;
    add_ports_once(once, list);
    g_ptr_array_add(once, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&once), FALSE);
}
