/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Candidates for the next word of a command line of dist, for shells. */

#pragma once

/* Prints the candidates for the last word of a line, which is given up to the cursor. */
void dist_complete_line(const char *line);
