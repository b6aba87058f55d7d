/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The begin of a container that runs in the foreground. */

#pragma once

#include "job.h"

/* Creates and starts it, also if the service is killed meanwhile. made is set as soon as there is a
 * container, also on an error; pid is 0 if it has ended already. */
bool runtime_begin(sd_bus *bus, const RuntimeJob *job, bool *made, pid_t *pid, GError **error);
