/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The members of a runtime configuration that Berth knows. */

#pragma once

#include "base/document.h"

/* Adds "unknown:MEMBER" for each member that is not in the tables, such as
 * "linux.resources.NAME". */
void berth_spec_add_unknown_members(GPtrArray *names, json_object *config);
