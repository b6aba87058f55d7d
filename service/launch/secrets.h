/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files and variables of a container's secrets. */

#pragma once

#include "launch/fault.h"

#include <sys/types.h>

/* Writes the files in bundle (bare/secrets.h) to the tmpfs that is mounted for them, readable by
 * this user alone, and makes that read-only. Without files there is no such tmpfs. */
bool berth_secrets_write(int bundle, uid_t uid, gid_t gid, BerthFault *fault);

/* Adds the variables in bundle to an environment, or replaces those of the same name. Returns the
 * new array, which execve(2) takes; NULL with a fault. */
char **berth_secrets_add_variables(int bundle, char **environment, BerthFault *fault);
