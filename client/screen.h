/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties of the terminal that output goes to. */

#pragma once

#include <stdbool.h>

/* The columns of the terminal on standard output (for progress: on standard error), or the
 * environment's COLUMNS; 80 if neither is known. */
int dist_screen_columns(void);
int dist_screen_columns_of(int fd);

/* Whether standard output may be coloured: it is a terminal, TERM is not "dumb", and NO_COLOR is
 * not set (https://no-color.org). */
bool dist_screen_has_colors(void);
