/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals that end dist itself. */

#pragma once

/* Ends dist with a signal's default action. */
void dist_end_by_signal(int number);
