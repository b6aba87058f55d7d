/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Stopping: a signal, and SIGKILL after a while. */
extern const BerthPart berth_stop_part;

/* Asks it to stop, and kills it after the timeout. timeout_usec UINT64_MAX: as it was created. */
void berth_container_stop(BerthContainer *container, uint64_t timeout_usec);
