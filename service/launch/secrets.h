/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files of a container's secrets. */

#pragma once

#include "launch/fault.h"

#include <sys/types.h>

/* Writes what is in bundle (bare/secrets.h) to the tmpfs that is mounted for it, readable by this
 * user alone, and makes that read-only. */
bool berth_secrets_write(int bundle, uid_t uid, gid_t gid, BerthFault *fault);
