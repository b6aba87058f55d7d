/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Capabilities as callers name them, with or without "CAP_". */

#pragma once

#include "containers/spec/options.h"

/* The kernel's name of one; caller frees. */
char *berth_capability_get_name(const char *name);
/* Those of a container: the defaults, without those dropped, with those added. */
char **berth_capabilities_make(const BerthCreateOptions *options);
/* Adds one to a set of the kernel's names; "ALL" adds all. */
void berth_capabilities_add(GPtrArray *set, const char *name);
/* Whether all are known. */
bool berth_capabilities_check(char *const *names, GError **error);
/* Logs those of a caller's own configuration that are not known. */
void berth_capabilities_warn(const char *id, const GPtrArray *unknown);
