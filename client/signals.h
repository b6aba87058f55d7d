/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals that end dist itself. */

#pragma once

#include <signal.h>

/* Ends dist with a signal's default action. */
void dist_end_by_signal(int number);

/* Blocks SIGINT and SIGTERM, to be received by sd_event_add_signal(3) or sigtimedwait(2), and
 * returns the two. */
sigset_t dist_block_interrupts(void);
