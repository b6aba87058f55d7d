/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The system call filter of a set-up, ready to be loaded. */

#pragma once

#include "bare/setup.h"

/* Fills in what berthd has compiled, or what berth-filter makes of the set-up's profile. Ends the
 * process if that fails. */
void berth_launch_filter_find(const BerthSetup *setup, BerthFilterProgram *filter);

/* Loads it for this process and what it executes, for good. The listener's descriptor if it
 * notifies, -1 if not. */
int berth_launch_filter_load(const BerthFilterProgram *filter);
