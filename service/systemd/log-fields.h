/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fields that journald adds to every entry of a unit, as LogExtraFields= (systemd.exec(5)) does for
 * services. systemd 252 has no such property for scopes, but journald looks for them the same way,
 * for any unit: in /run/systemd/units/log-extra-fields:UNIT (journald-context.c), where each field
 * is its length, 64 bits little-endian, and NAME=VALUE. Without them the entries are there all the
 * same.
 */

#pragma once

#include "base/error.h"

/* assignments: NAME=VALUE, NULL at the end. They count for processes that begin to log later. */
bool berth_log_fields_set(const char *unit, const char *const *assignments, GError **error);
void berth_log_fields_remove(const char *unit);
/* Removes those of all units that match pattern (GPatternSpec) and that is_needed does not want. */
typedef bool (*BerthUnitNeeded)(const char *unit, void *userdata);
void berth_log_fields_sweep(const char *pattern, BerthUnitNeeded is_needed, void *userdata);
