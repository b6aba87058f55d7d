/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals that dist takes as its own end. */

#pragma once

/* Ends dist by a signal's own action. */
void dist_end_by_signal(int number);
