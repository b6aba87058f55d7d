/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fields that journald adds to every entry of a unit, as LogExtraFields= does for services
 * (systemd.exec(5)). systemd 252 has no such property for scopes, but journald reads the same file
 * for every kind of unit: /run/systemd/units/log-extra-fields:UNIT (journald-context.c). Each field
 * in it is a length, 64 bits little-endian, followed by NAME=VALUE. If the file cannot be written,
 * entries are logged without the fields.
 */

#pragma once

#include "base/error.h"

/* assignments is a NULL-terminated list of NAME=VALUE. A process that has already logged something
 * keeps the fields that journald has cached for it. */
bool berth_log_fields_set(const char *unit, const char *const *assignments, GError **error);
void berth_log_fields_remove(const char *unit);
/* Removes the files of all units that match pattern (GPatternSpec), except those for which
 * is_needed returns true. They are left by an instance of the service that was killed. */
typedef bool (*BerthUnitNeeded)(const char *unit, void *userdata);
void berth_log_fields_sweep(const char *pattern, BerthUnitNeeded is_needed, void *userdata);
