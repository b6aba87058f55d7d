/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates and starts a container that runs in the foreground. */

#pragma once

#include "job.h"

/* Creates and starts the container, even if the service is killed in the meantime. made is set as
 * soon as the container exists, also on error; pid is 0 if the container has already exited. */
bool runtime_begin(sd_bus *bus, const RuntimeJob *job, bool *made, pid_t *pid, GError **error);
