/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Capabilities as callers name them, with or without the prefix "CAP_". */

#pragma once

#include "containers/spec/options.h"

/* The kernel's name of a capability. The caller frees it. */
char *berth_capability_get_name(const char *name);
/* The capabilities that a container has if its caller says nothing. */
const char *const *berth_capabilities_get_default(void);
/* The capabilities of a container: the defaults, minus the dropped ones, plus the added ones. */
char **berth_capabilities_make(const BerthCreateOptions *options);
/* Adds one to a set of kernel names; "ALL" adds every capability. */
void berth_capabilities_add(GPtrArray *set, const char *name);
/* Checks that all names are known. */
bool berth_capabilities_check(char *const *names, GError **error);
/* Logs the unknown capabilities of a configuration supplied by a caller. */
void berth_capabilities_warn(const char *id, const GPtrArray *unknown);
