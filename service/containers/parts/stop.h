/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Stops containers: first with a signal, later with SIGKILL. */
extern const BerthPart berth_stop_part;

/* Asks the container to stop and kills it after timeout_usec; UINT64_MAX stands for the timeout it
 * was created with. */
void berth_container_stop(BerthContainer *container, uint64_t timeout_usec);
