/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the command line of create and run sets in the place of the configuration. */

#pragma once

#include "options.h"

#include "base/document.h"

/* The limits among the options, as linux.resources has them. */
JsonObject *runtime_overrides_read_limits(const RuntimeOptions *options);

/* The configuration with the limits of the options and, with --map-root-user, a user namespace
 * whose root is the user of this process. config stays as it was read. NULL with error. */
JsonObject *runtime_overrides_apply(JsonObject *config, const RuntimeOptions *options,
                                    GError **error);

/* Reads --cgroup. */
bool runtime_overrides_parse_cgroup(const char *text, bool *is_callers, GError **error);
