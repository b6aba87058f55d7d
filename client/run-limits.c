/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of create and run that limit a container otherwise than its scope does: resource limits
 * of its process, and the time that it may run.
 */

#include "client/run-limits.h"

#include "client/message.h"

#include <errno.h>
#include <string.h>

static struct {
    gint64 timeout;
    char **limits;
} given;

const DistOption dist_run_limit_options[] = {
    {"ulimit", 0, DIST_OPTION_LIST, &given.limits,
     N_("Set a limit of processes, such as nofile or nproc"), N_("NAME=SOFT[:HARD]")},
    {"timeout", 0, DIST_OPTION_NUMBER, &given.timeout, N_("Stop it after this time"),
     N_("SECONDS")},
    DIST_OPTION_END,
};

/* Sets error and returns a negative errno, as sd-bus does. */
static int fail_limit(GError **error, const char *option, const char *value) {
    berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("invalid value \"%s\" of %s"), value,
                    option);
    return -EINVAL;
}

/* The service checks the names. */
static int append_limits(sd_bus_message *call, GError **error) {
    for (char **limit = given.limits; limit && *limit; limit++)
        if (!strchr(*limit, '='))
            return fail_limit(error, "--ulimit", *limit);
    return dist_append_labels(call, "ResourceLimits", given.limits);
}

static int append_timeout(sd_bus_message *call, GError **error) {
    if (given.timeout < 0 || given.timeout > INT32_MAX) {
        g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, given.timeout);
        return fail_limit(error, "--timeout", text);
    }
    return given.timeout == 0 ? 0
                              : sd_bus_message_append(call, "{sv}", "RuntimeMaxUSec", "t",
                                                      (uint64_t)given.timeout * G_USEC_PER_SEC);
}

int dist_run_limits_append(sd_bus_message *call, GError **error) {
    int r = append_limits(call, error);

    return r < 0 ? r : append_timeout(call, error);
}
