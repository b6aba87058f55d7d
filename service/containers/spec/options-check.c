/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks of what Create is given, before anything is looked up or made. */

#include "containers/spec/options-check.h"

#include "base/names.h"
#include "base/signals.h"
#include "containers/spec/port.h"
#include "containers/spec/slices.h"
#include "containers/spec/spec.h"

#include <string.h>
#include <sys/capability.h>

enum { MAX_HOST_NAME = 64 };

static bool check_host_name(const char *name, GError **error) {
    size_t length = strlen(name);
    bool good = length > 0 && length <= MAX_HOST_NAME;

    for (const char *c = name; good && *c; c++)
        good = g_ascii_isalnum(*c) || (strchr("-._", *c) && c != name);
    return good || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"%.100s\" is no valid host name", name);
}

static bool check_environment(char *const *environment, GError **error) {
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (!equals || equals == *environment)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"%.100s\" is no NAME=VALUE", *environment);
    }
    return true;
}

static bool check_capabilities(char *const *names, GError **error) {
    for (; names && *names; names++) {
        cap_value_t value;
        g_autofree char *lower = g_ascii_strdown(*names, -1);
        g_autofree char *name =
            g_str_has_prefix(lower, "cap_") ? g_strdup(lower) : g_strconcat("cap_", lower, NULL);
        if (!g_str_equal(name, "cap_all") && cap_from_name(name, &value) < 0)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"%.100s\" is no capability", *names);
    }
    return true;
}

static bool check_choices(const BerthContainerOptions *options, GError **error) {
    if (options->network && !berth_name_check_container(options->network, NULL))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%.100s\" is no network; there are none, host and those of CNI",
                               options->network);
    if (!berth_ports_check(options, error))
        return false;
    if (options->seccomp && !g_str_equal(options->seccomp, "default") &&
        !g_str_equal(options->seccomp, "unconfined") && !berth_spec_is_profile(options->seccomp))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "seccomp is default, unconfined or a profile in JSON");
    if (!g_str_equal(options->user_namespace, "auto") &&
        !g_str_equal(options->user_namespace, "host"))
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "the user namespace \"%.100s\" is not known; there are auto and host",
            options->user_namespace);
    if (!g_str_equal(options->restart, "no") && !g_str_equal(options->restart, "on-failure") &&
        !g_str_equal(options->restart, "always"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%.100s\" is no restart policy; there are no, on-failure and "
                               "always",
                               options->restart);
    if (options->auto_remove && !g_str_equal(options->restart, "no"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a container that removes itself cannot be restarted");
    if (!berth_slice_check(options->slice, error))
        return false;
    return !options->stop_signal || berth_signal_parse(options->stop_signal) > 0 ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "\"%.100s\" is no signal",
                           options->stop_signal);
}

bool berth_container_options_check(const BerthContainerOptions *options, GError **error) {
    return berth_name_check_container(options->id, error) &&
           (!options->hostname || check_host_name(options->hostname, error)) &&
           check_environment(options->environment, error) &&
           check_capabilities(options->capabilities_add, error) &&
           check_capabilities(options->capabilities_drop, error) && check_choices(options, error);
}
