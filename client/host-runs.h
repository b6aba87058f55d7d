/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs a command line for several hosts at once. */

#pragma once

#include "base/error.h"

/* Runs this command line for each host, with the host's name before each line of output. Returns
 * the worst exit status. */
int dist_hosts_run_each(GError **error);
