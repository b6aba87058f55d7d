/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The status page of a container, as "dist info" shows it. */

#pragma once

#include "client/containers.h"

/* status: as "dist ps" words it. */
void dist_container_status_print(const DistContainer *container, const char *status);
