/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of the command line of create and run that override the configuration. */

#pragma once

#include "options.h"

#include "base/document.h"

/* The limits among the options, in the form of linux.resources. */
json_object *runtime_overrides_read_limits(const RuntimeOptions *options);

/* A copy of the configuration with the limits of the options and, with --map-root-user, a user
 * namespace whose root is this process's user. config itself is not changed. NULL with error. */
json_object *runtime_overrides_apply(json_object *config, const RuntimeOptions *options,
                                     GError **error);

/* Parses the value of --cgroup. */
bool runtime_overrides_parse_cgroup(const char *text, bool *is_callers, GError **error);
