/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The secrets of a container, as files and environment variables. */

#pragma once

#include "launch/fault.h"

#include <sys/types.h>

/* Writes the files in bundle (bare/secrets.h) to the tmpfs that is mounted for them, readable only
 * by this user, and makes the tmpfs read-only. There is no tmpfs if there are no files. */
bool berth_secrets_write(int bundle, uid_t uid, gid_t gid, BerthFault *fault);

/* Adds the variables in bundle to an environment, replacing those of the same name. Returns a new
 * array for execve(2), or NULL with fault. */
char **berth_secrets_add_variables(int bundle, char **environment, BerthFault *fault);
