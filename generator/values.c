/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The values of options, as far as they can be judged from the file alone: a mistake is reported
 * with its line at daemon-reload, and not only when the unit starts. There is no state. An option
 * that is not in the table takes any text.
 */

#include "generator/values.h"

#include "base/published-port.h"
#include "base/signals.h"
#include "base/subnet.h"
#include "client/values.h"
#include "generator/translate.h"

#include <string.h>
#include <sys/socket.h>

static bool is_number(const char *text) {
    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, NULL, NULL);
}

/* -1 and 0: no limit. */
static bool is_limit(const char *text) {
    return g_str_equal(text, "-1") || is_number(text);
}

static bool is_size(const char *text) {
    uint64_t bytes;

    return dist_parse_bytes(text, &bytes, NULL);
}

/* 0: no limit. */
static bool is_memory(const char *text) {
    return g_str_equal(text, "0") || is_size(text);
}

static bool is_duration(const char *text) {
    uint64_t usec;

    return dist_parse_duration("", text, &usec, NULL);
}

static bool is_address(const char *text) {
    BerthSubnet address;

    return berth_subnet_parse_address(text, &address);
}

static bool is_address4(const char *text) {
    BerthSubnet address;

    return berth_subnet_parse_address(text, &address) && address.family == AF_INET;
}

static bool is_address6(const char *text) {
    BerthSubnet address;

    return berth_subnet_parse_address(text, &address) && address.family == AF_INET6;
}

static bool is_subnet(const char *text) {
    BerthSubnet subnet;

    return berth_subnet_parse(text, &subnet, NULL);
}

static bool is_port(const char *text) {
    char *const ports[] = {(char *)text, NULL};
    g_auto(GStrv) expanded = dist_expand_ports(ports, NULL);
    BerthPort port;
    bool good = expanded != NULL;

    for (char **single = expanded; good && *single; single++)
        good = berth_port_parse(*single, &port);
    return good;
}

static bool is_signal(const char *text) {
    return berth_signal_parse(text) > 0;
}

static bool is_timezone(const char *text) {
    return g_str_equal(text, "local") || dist_is_timezone(text);
}

static bool is_umask(const char *text) {
    return g_ascii_string_to_unsigned(text, 8, 0, 0777, NULL, NULL);
}

static bool is_path(const char *text) {
    return text[0] == '/';
}

static bool is_assignment(const char *text) {
    return text[0] != '=' && strchr(text, '=') != NULL;
}

/* The form of dist's add_host_lines(); the address is the service's to check. */
static bool is_host(const char *text) {
    size_t length = strcspn(text, ":=");

    return length > 0 && text[length] && text[length + 1];
}

/* [SOURCE:]PATH[:OPTIONS] */
static bool is_volume(const char *text) {
    const char *colon = strchr(text, ':');

    return is_path(colon ? colon + 1 : text);
}

/* podman's restart is what a unit's Restart= does. */
static bool is_health_action(const char *text) {
    static const char *const actions[] = {"none", "kill", "stop", NULL};

    return g_strv_contains(actions, text);
}

#define TIME_SPAN N_("a time span such as 1m30s")
#define NUMBER N_("a number")
#define SIZE N_("a size such as 512M")

static const struct {
    const char *option;
    bool (*accepts)(const char *text);
    const char *wanted;
} rules[] = {
    {"add-host", is_host, N_("NAME:ADDRESS")},
    {"dns", is_address, N_("an address")},
    {"gateway", is_address, N_("an address")},
    {"health-interval", is_duration, TIME_SPAN},
    {"health-on-failure", is_health_action, N_("none, kill or stop; after kill, Restart= applies")},
    {"health-retries", is_number, NUMBER},
    {"health-start-period", is_duration, TIME_SPAN},
    {"health-startup-interval", is_duration, TIME_SPAN},
    {"health-startup-retries", is_number, NUMBER},
    {"health-startup-success", is_number, NUMBER},
    {"health-startup-timeout", is_duration, TIME_SPAN},
    {"health-timeout", is_duration, TIME_SPAN},
    {"ip", is_address4, N_("an IPv4 address")},
    {"ip6", is_address6, N_("an IPv6 address")},
    {"memory", is_memory, SIZE},
    {"pids-limit", is_limit, NUMBER},
    {"publish", is_port, N_("[ADDRESS:][HOST:]CONTAINER[/PROTOCOL], such as 8080:80")},
    {"retry", is_number, NUMBER},
    {"retry-delay", is_duration, TIME_SPAN},
    {"shm-size", is_size, SIZE},
    {"signal", is_signal, N_("a signal such as SIGTERM")},
    {"stop-signal", is_signal, N_("a signal such as SIGTERM")},
    {"stop-timeout", is_number, N_("a number of seconds")},
    {"subnet", is_subnet, N_("a subnet such as 10.90.0.0/24")},
    {"tmpfs", is_path, N_("PATH[:OPTIONS] with an absolute path")},
    {"tz", is_timezone, N_("local, or a time zone of timedatectl list-timezones")},
    {"ulimit", is_assignment, N_("NAME=SOFT[:HARD], such as nofile=1024")},
    {"umask", is_umask, N_("an octal number such as 0022")},
    {"volume", is_volume, N_("[SOURCE:]PATH[:OPTIONS] with an absolute path in the container")},
};

/* An empty value resets a list, or is no value. */
const char *berth_value_get_wanted(const char *option, const char *value) {
    if (!value[0] || strpbrk(value, "%$"))
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        if (g_str_equal(rules[i].option, option))
            return rules[i].accepts(value) ? NULL : _(rules[i].wanted);
    return NULL;
}
