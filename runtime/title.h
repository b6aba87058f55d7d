/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of this process as ps(1) shows it. */

#pragma once

/* Remembers where it is. Before the first title. */
void runtime_title_init(int argc, char **argv);

/* Replaces it, cut to the length that it had. No argument can be read any more. */
void runtime_title_set(const char *title);
