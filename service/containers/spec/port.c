/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published ports in the options of a container. There is no state here. */

#include "containers/spec/port.h"

#include <string.h>

#define PRIVILEGED_BELOW "/proc/sys/net/ipv4/ip_unprivileged_port_start"

/* Each port takes a descriptor in the service and one in systemd's store, which has room for 8192
 * in all. */
enum { MAX_PORTS = 128, DEFAULT_PRIVILEGED_BELOW = 1024 };

bool berth_ports_check_count(const BerthCreateOptions *options, GError **error) {
    return !options->ports || g_strv_length(options->ports) <= MAX_PORTS ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "a container publishes at most %d ports", MAX_PORTS);
}

bool berth_ports_check(const BerthCreateOptions *options, GError **error) {
    for (char **text = options->ports; text && *text; text++) {
        BerthPort port;
        if (!berth_port_parse(*text, &port))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid port \"%.100s\": not of the form "
                                   "[IP:]HOST:CONTAINER[/PROTOCOL]",
                                   *text);
        if (options->network_mode != BERTH_NETWORK_NAMED)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "the port \"%.100s\" needs a network", *text);
    }
    return berth_ports_check_count(options, error);
}

/* For ports below ip_unprivileged_port_start (ip(7)), a process needs CAP_NET_BIND_SERVICE. */
char *berth_port_get_privilege(const char *text) {
    g_autofree char *start = NULL;
    guint64 below = DEFAULT_PRIVILEGED_BELOW;
    BerthPort port;

    if (g_file_get_contents(PRIVILEGED_BELOW, &start, NULL, NULL))
        below = g_ascii_strtoull(start, NULL, 10);
    /* A port that the service chooses is never privileged (ip_local_port_range). */
    if (!berth_port_parse(text, &port) || port.host >= below || port.host == 0)
        return NULL;
    return g_str_equal(port.protocol, "tcp") ? g_strdup_printf("%u", port.host)
                                             : g_strdup_printf("%u/%s", port.host, port.protocol);
}
