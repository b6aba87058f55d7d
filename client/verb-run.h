/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs the verb of a command line. */

#pragma once

#include "base/error.h"

/* Parses the options of the verb that argv names and runs it. Returns the exit status. */
int dist_verb_run(char **argv, GError **error);
/* The same for "help VERB". */
int dist_verb_help(char **argv, GError **error);
