/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The settings of this run of dist, from the options that every verb takes. They are set while
 * options are parsed and only read afterwards.
 */

#include "client/settings.h"

#include "client/hosts.h"
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DistSettings dist_settings;

static bool settings_take_host(const char *value, GError **error) {
    if (!dist_hosts_take(value, error))
        return false;
    dist_settings.host = dist_hosts_get_first();
    return true;
}

static const char *const json_modes[] = {"pretty", "short", "off", NULL};

static bool settings_take_json(const char *value, GError **error) {
    if (!value || g_str_equal(value, "pretty"))
        dist_settings.json = DIST_JSON_PRETTY;
    else if (g_str_equal(value, "short"))
        dist_settings.json = DIST_JSON_SHORT;
    else if (g_str_equal(value, "off"))
        dist_settings.json = DIST_JSON_OFF;
    else
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("--json takes pretty, short or off"));
    return true;
}

/* Runs at once, while options are parsed: the rest of the line need not be valid, and the service
 * is not contacted. */
static bool settings_show_version(const char *value, GError **error) {
    (void)value;
    (void)error;
    puts("dist " BERTH_VERSION);
    exit(EXIT_SUCCESS);
}

const DistOption dist_common_options[] = {
    {"host", 'H', DIST_OPTION_CALL, NULL, N_("Talk to Berth on other hosts through ssh"),
     N_("[USER@]HOST[:PORT],…"), .take = settings_take_host, .complete = "none"},
    {"machine", 'M', DIST_OPTION_TEXT, &dist_settings.machine,
     N_("Talk to Berth in a local container"), N_("MACHINE"), .complete = "none"},
    {"json", 0, DIST_OPTION_CALL, NULL, N_("Print listings as JSON: pretty, short or off"),
     N_("MODE"), .take = settings_take_json, .choices = json_modes},
    {"quiet", 'q', DIST_OPTION_FLAG, &dist_settings.quiet, N_("Print names only, no progress"),
     NULL},
    {"no-pager", 0, DIST_OPTION_FLAG, &dist_settings.no_pager,
     N_("Do not pipe output into a pager (dist never does)"), NULL},
    {"no-ask-password", 0, DIST_OPTION_FLAG, &dist_settings.no_ask_password,
     N_("Do not ask for passwords"), NULL},
    {"version", 0, DIST_OPTION_CALL, NULL, N_("Show the version and exit"), NULL,
     .take = settings_show_version},
    {"help", 'h', DIST_OPTION_FLAG, &dist_settings.help, N_("Show this help and exit"), NULL},
    DIST_OPTION_END,
};
