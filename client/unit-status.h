/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The status of dist's unit (systemctl status): the progress of a pull, and why the unit has
 * failed. Outside a unit that takes notifications, these do nothing.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>

void dist_unit_status_begin_pull(const char *name);
/* Whether a pull has begun whose progress the unit should show. */
bool dist_unit_status_is_pull(void);
/* Also extends the unit's time to start as long as there is progress. */
void dist_unit_status_set_progress(uint64_t done, uint64_t total);
void dist_unit_status_end_pull(void);

void dist_unit_status_fail(const GError *error);
