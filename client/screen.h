/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The terminal that output goes to. */

#pragma once

#include <stdbool.h>

/* Columns of the terminal on standard output, or COLUMNS of the environment; 80 if neither is
 * known. Of standard error for the progress. */
int dist_screen_columns(void);
int dist_screen_columns_of(int fd);

/* Whether standard output may be coloured: a terminal that is not dumb, and no NO_COLOR
 * (https://no-color.org). */
bool dist_screen_has_colors(void);
