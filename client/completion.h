/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Completion of command lines of dist, for shells. */

#pragma once

/* Prints the candidates for the last word of a line. The line ends at the cursor. */
void dist_complete_line(const char *line);
