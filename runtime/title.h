/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of this process, as ps(1) shows it. */

#pragma once

/* Records where the arguments are. Must be called before the first title is set. */
void runtime_title_init(int argc, char **argv);

/* Replaces the command line, truncated to its original length. The arguments can no longer be read.
 */
void runtime_title_set(const char *title);
