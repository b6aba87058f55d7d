/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The status page of a container, as "dist info" shows it. */

#pragma once

#include "client/containers.h"
#include "client/layout.h"

/* The colour of its status in listings. */
DistColor dist_container_get_color(const DistContainer *container);

/* status: as "dist ps" words it. */
void dist_container_status_print(const DistContainer *container, const char *status);
