/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The status page of a container, as shown by "dist info". */

#pragma once

#include "client/containers.h"
#include "client/layout.h"

/* The colour of the container's status in listings. */
DistColor dist_container_get_color(const DistContainer *container);

/* status: in the words of "dist ps". */
void dist_container_status_print(const DistContainer *container, const char *status);
