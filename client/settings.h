/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings that apply to every verb: how results are printed and which service is contacted. */

#pragma once

#include "client/option.h"
#include "client/translate.h"

/* The exit status of a verb that runs a container if Berth itself fails. */
#define DIST_EXIT_BERTH 125

typedef enum { DIST_JSON_OFF, DIST_JSON_PRETTY, DIST_JSON_SHORT } DistJson;

typedef struct {
    DistJson json;
    gboolean quiet, no_pager, no_ask_password, help;
    const char *host;
    char *machine;
} DistSettings;

extern DistSettings dist_settings;

/* The options that every verb takes, before or after its name. */
extern const DistOption dist_common_options[];
