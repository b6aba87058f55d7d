/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist system info: what the service reports about itself. */

#pragma once

#include "client/settings.h"

int dist_system_info(char **argv, GError **error);

/* The state directory; the caller frees it. */
char *dist_system_find_state_path(GError **error);
