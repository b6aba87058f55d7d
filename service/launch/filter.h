/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The system call filter of a set-up, ready to be loaded. */

#pragma once

#include "bare/setup.h"

/* Fills in the filter: what berthd has compiled, or what berth-filter makes of the profile in the
 * set-up. Exits on failure. */
void berth_launch_filter_find(const BerthSetup *setup, BerthFilterProgram *filter);

/* Loads the filter permanently for this process and everything it executes. Returns the descriptor
 * for a listener, or -1 if the filter does not notify. */
int berth_launch_filter_load(const BerthFilterProgram *filter);
